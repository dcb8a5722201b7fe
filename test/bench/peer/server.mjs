// A server of run events made of graphql-ws and ws, for delivery_linux_test.go: it
// does what the commands on its standard input say, as server_linux_test.go does.
import { createInterface } from 'node:readline';
import { createServer } from 'node:http';
import { buildSchema } from 'graphql';
import { useServer } from 'graphql-ws/use/ws';
import { WebSocketServer } from 'ws';

const schema = buildSchema(`
  interface RunEvent { runId: ID! seq: Int! at: String! }
  type TextDelta implements RunEvent { runId: ID! seq: Int! at: String! text: String! }
  type Query { unused: Int }
  type Subscription { runEvents(runId: ID!, after: Int! = 0): RunEvent! }
`);

// Events are a linked list: each subscriber waits at its end. links[seq] is where
// those wait who have the event.
const link = () => {
  const l = {};
  l.next = new Promise((resolve) => { l.set = resolve; });
  return l;
};
let end = link();
let seq = 0;
const links = [end];
const runId = process.argv[2];

function append(texts) {
  for (const text of texts) {
    const l = link();
    l.event = { __typename: 'TextDelta', runId, seq: ++seq, at: new Date().toISOString().replace('Z', '000Z'), text };
    end.set(l);
    end = l;
    links.push(l);
  }
}

schema.getSubscriptionType().getFields().runEvents.subscribe = async function* (_, { after }) {
  for (let at = links[after]; ; ) {
    at = await at.next;
    yield { runEvents: at.event };
  }
};

const server = createServer();
useServer({ schema }, new WebSocketServer({ server, path: '/graphql' }), 0); // no pings
server.listen(0, '127.0.0.1', () => console.log(server.address().port));

let window = 0; // events that may be under way
let left = 0;
let done = 0;
const text = () => `t=${process.hrtime.bigint().toString().padStart(19, '0')}${process.argv[3]}`;

function fill() {
  const n = Math.min(left, window - (seq - done));
  if (n > 0) {
    left -= n;
    append(Array.from({ length: n }, text));
  }
}

createInterface({ input: process.stdin }).on('line', (line) => {
  const [command, a, b] = line.split(' ');
  switch (command) {
    case 'one':
      append([text()]);
      break;
    case 'many':
      left = Number(a);
      window = Number(b);
      done = seq;
      fill();
      break;
    case 'done':
      done = Number(a);
      fill();
      break;
    case 'settle':
      gc();
      gc();
      setTimeout(() => console.log('settled'), 200);
      break;
  }
}).on('close', () => process.exit(0));

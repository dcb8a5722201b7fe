// Follows a journal with the official clients through the end of one server and a
// socket that is cut off: node resume.mjs URL-OF-THE-FIRST URL-OF-THE-SECOND.
// It prints "first" when the first server may be shut down, and "paused" when the
// journal may outgrow what waits for a client that does not read. It reads again when
// it is told to on its standard input.
import assert from 'node:assert/strict';
import { once } from 'node:events';
import { createClient as createEventClient } from 'graphql-sse';
import { createClient } from 'graphql-ws';
import WebSocket from 'ws';

const urls = process.argv.slice(2);
const query = 'subscription($after: Int! = 0) { journal(name: "j", after: $after) { number text } }';
const last = Number(process.env.LAST);

let ready = 0;
const say = (what, of) => { if (++ready === of) { ready = 0; console.log(what); } };

// What is sent when the client connects again is the payload as it is then, so a
// client resumes by keeping `after` in it up to date.
async function follow(iterate, seen, each) {
  const payload = { query, variables: { after: 0 } };
  for await (const { data, errors } of iterate(payload)) {
    assert.equal(errors, undefined);
    seen.push(data.journal.number);
    payload.variables.after = data.journal.number;
    await each?.(data.journal.number);
    if (data.journal.number === last) break;
  }
  assert.deepEqual(seen, Array.from({ length: last }, (_, i) => i + 1));
}

const closed = [];
let socket;
const overSocket = createClient({
  url: () => urls[closed.length && 1].replace(/^http/, 'ws'),
  webSocketImpl: WebSocket,
  connectionParams: { authorization: 'Bearer alice' },
  retryWait: async () => {},
  on: { opened: (s) => { socket = s; }, closed: ({ code, reason }) => closed.push([code, reason]) },
});

let connections = 0;
const overEvents = createEventClient({
  url: () => urls[connections++ && 1],
  headers: { authorization: 'Bearer alice' },
  retry: async () => {},
});

await Promise.all([
  follow((payload) => overSocket.iterate(payload), [], (n) => {
    if (n === 3) say('first', 2);
    if (n === 6) {
      socket._socket.pause();
      once(process.stdin, 'data').then(() => {
        process.stdin.destroy();
        socket._socket.resume();
      });
      console.log('paused');
    }
  }),
  follow((payload) => overEvents.iterate(payload), [], (n) => { if (n === 3) say('first', 2); }),
]);
assert.deepEqual(closed.slice(0, 2), [
  [1012, 'Service restart: connect again and resume with `after`'],
  [4413, 'Slow consumer: connect again and resume with `after`'],
]);
assert.equal(connections, 2);
overSocket.dispose();
overEvents.dispose();
console.log('resumed');

// Speaks to the server with the official graphql-ws client: node ws.mjs URL.
import assert from 'node:assert/strict';
import { buildClientSchema, getIntrospectionQuery } from 'graphql';
import { createClient } from 'graphql-ws';
import WebSocket from 'ws';

const url = process.argv[2].replace(/^http/, 'ws');
const token = 'alice';

function client(options = {}) {
  return createClient({ url, webSocketImpl: WebSocket, connectionParams: { Authorization: `Bearer ${token}` }, ...options });
}

async function collect(c, payload, take = Infinity) {
  const got = [];
  for await (const result of c.iterate(payload)) {
    got.push(result);
    if (got.length >= take) break;
  }
  return got;
}

// Queries, mutations and subscriptions, all over one socket.
{
  let sockets = 0;
  const c = client({ lazy: false, on: { opened: () => sockets++ } });
  const [query, mutation, stream, who] = await Promise.all([
    collect(c, { query: 'query($n: String) { hello(name: $n) }', variables: { n: 'ws' } }),
    collect(c, { query: 'mutation { remember(value: 7) }' }),
    collect(c, { query: 'subscription { count(to: 100) }' }),
    collect(c, { query: '{ whoami }' }),
  ]);
  assert.deepEqual(query, [{ data: { hello: 'Hello ws' } }]);
  assert.deepEqual(mutation, [{ data: { remember: 7 } }]);
  assert.deepEqual(stream.map((r) => r.data.count), Array.from({ length: 100 }, (_, i) => i + 1));
  assert.deepEqual(who, [{ data: { whoami: 'alice' } }]);
  assert.equal(sockets, 1);

  // What a playground asks for first is within the default limits.
  const [schema] = await collect(c, { query: getIntrospectionQuery({ inputValueDeprecation: true, oneOf: true, schemaDescription: true, specifiedByUrl: true, directiveIsRepeatable: true }) });
  assert.ok(buildClientSchema(schema.data).getType('ItemConnection'));

  // Leaving a stream early leaves the socket in order.
  assert.equal((await collect(c, { query: 'subscription { flood(size: 10) }' }, 3)).length, 3);
  assert.deepEqual(await collect(c, { query: '{ hello }' }), [{ data: { hello: 'Hello world' } }]);

  // Errors of the document and of a refused subscription end the operation only.
  await assert.rejects(collect(c, { query: '{ nothing }' }), (errors) => errors[0].extensions.code === 'GRAPHQL_VALIDATION_FAILED');
  await assert.rejects(collect(c, { query: 'subscription { refused(how: NOT_FOUND) }' }), (errors) => errors[0].extensions.code === 'NOT_FOUND');
  const [panicked] = await collect(c, { query: '{ fail(how: PANIC) hello }' });
  assert.equal(panicked.errors[0].extensions.code, 'INTERNAL');
  assert.equal(panicked.data.hello, 'Hello world');
  assert.equal(sockets, 1);
  await c.dispose();
}

// The client's own pings are answered.
{
  let pongs = 0;
  const enough = new Promise((resolve) => {
    const c = client({ lazy: false, keepAlive: 20, on: { pong: (received) => { if (received && ++pongs === 3) { c.dispose(); resolve(); } } } });
  });
  await enough;
}

// A token that is not valid closes the socket with 4403.
{
  const c = client({ connectionParams: { authorization: 'Bearer nobody' }, retryAttempts: 0 });
  await assert.rejects(collect(c, { query: '{ hello }' }), (event) => event.code === 4403);
}

// When the token expires the client connects again with a new one, by itself,
// and the subscription goes on.
{
  const tokens = ['brief', 'alice'];
  const closed = [];
  const c = client({
    connectionParams: () => ({ authorization: `Bearer ${tokens.shift()}` }),
    retryWait: async () => {},
    on: { closed: (event) => closed.push([event.code, event.reason]) },
  });
  const seen = [];
  for await (const result of c.iterate({ query: 'subscription { whoStays }' })) {
    seen.push(result.data.whoStays);
    if (seen.length === 2) break;
  }
  assert.deepEqual(seen, ['brief', 'alice']);
  assert.deepEqual(closed[0], [4403, 'Token expired']);
  await c.dispose();
}
console.log('graphql-ws is served');

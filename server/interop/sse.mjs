// Speaks to the server with the official graphql-sse client in its distinct
// connections mode: node sse.mjs URL.
import assert from 'node:assert/strict';
import { createClient } from 'graphql-sse';

const url = process.argv[2];
const c = createClient({ url, retryAttempts: 0, headers: { authorization: 'Bearer alice' } });

async function collect(payload, take = Infinity) {
  const got = [];
  for await (const result of c.iterate(payload)) {
    got.push(result);
    if (got.length >= take) break;
  }
  return got;
}

const counted = await collect({ query: 'subscription($to: Int!) { count(to: $to) }', variables: { to: 100 } });
assert.deepEqual(counted.map((r) => r.data.count), Array.from({ length: 100 }, (_, i) => i + 1));
assert.deepEqual(await collect({ query: '{ hello whoami }' }), [{ data: { hello: 'Hello world', whoami: 'alice' } }]);
assert.deepEqual(await collect({ query: 'mutation { remember(value: 3) }' }), [{ data: { remember: 3 } }]);
assert.equal((await collect({ query: 'subscription { flood(size: 10) }' }, 3)).length, 3);

const [invalid] = await collect({ query: '{ nothing }' });
assert.equal(invalid.errors[0].extensions.code, 'GRAPHQL_VALIDATION_FAILED');
const [refused] = await collect({ query: 'subscription { refused(how: NOT_FOUND) }' });
assert.equal(refused.errors[0].extensions.code, 'NOT_FOUND');

const stranger = createClient({ url, retryAttempts: 0, headers: { authorization: 'Bearer nobody' } });
await assert.rejects(async () => { for await (const _ of stranger.iterate({ query: '{ hello }' })); }, (err) => err.response.status === 401);
console.log('graphql-sse is served');

// Uploads with what browsers have, FormData and fetch: node upload.mjs URL.
import assert from 'node:assert/strict';
import { createHash } from 'node:crypto';

const url = process.argv[2];
const bytes = new Uint8Array(3_000_000).map((_, i) => i % 251);

async function send(parts, headers = { 'apollo-require-preflight': '1' }) {
  const form = new FormData();
  for (const [name, value, filename] of parts) filename ? form.append(name, value, filename) : form.append(name, value);
  return fetch(url, { method: 'POST', headers, body: form });
}

const one = JSON.stringify({
  query: 'mutation($input: UploadInput!) { upload(input: $input) { filename contentType size sha256 } }',
  variables: { input: { file: null } },
});
const where = JSON.stringify({ 0: ['variables.input.file'] });
const answer = await send([['operations', one], ['map', where], ['0', new Blob([bytes], { type: 'text/csv' }), 'Zürich.csv']]);
assert.equal(answer.status, 200);
assert.deepEqual(await answer.json(), {
  data: { upload: { filename: 'Zürich.csv', contentType: 'text/csv', size: bytes.length, sha256: createHash('sha256').update(bytes).digest('hex') } },
});

// Too large a file: the answer arrives although the client is still sending.
const large = await send([['operations', one], ['map', where], ['0', new Blob([new Uint8Array(12_000_000)]), 'large.bin']]);
assert.equal(large.status, 413);
assert.equal((await large.json()).errors[0].extensions.code, 'LIMIT_EXCEEDED');
console.log('uploads are served');

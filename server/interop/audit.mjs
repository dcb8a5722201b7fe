// Runs every audit of the npm package graphql-http against the address given,
// and fails unless each of them is "ok": a warning counts as a failure.
import { serverAudits } from 'graphql-http';

const expected = 61;
const audits = serverAudits({ url: process.argv[2] });
let passed = 0;
for (const audit of audits) {
  const result = await audit.fn();
  if (result.status === 'ok') passed++;
  else console.error(`${result.status} ${audit.id} ${audit.name}: ${result.reason}`);
}
console.log(`${passed} of ${audits.length} audits passed`);
process.exit(passed === expected && audits.length === expected ? 0 : 1);

// Starts a real Mark for the tour: MARK_TEST_MARK is its program, built. Or
// MARK_TEST_URL says where one runs, as "http://127.0.0.1:8080".
import { spawn } from 'node:child_process';
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { createInterface } from 'node:readline';

const { MARK_TEST_MARK: program, MARK_TEST_URL: running } = process.env;

// noMark is the reason to skip what needs one, or false.
export const noMark = !program && !running && 'neither MARK_TEST_MARK nor MARK_TEST_URL is set: make test-browser';

// startMark answers once Mark does. One that it started has an empty data folder
// and the port that the system gives; what it logs is told only if it fails.
export async function startMark() {
  if (!program) return { url: running, stop: async () => {} };
  const folder = await mkdtemp(join(tmpdir(), 'mark-tour-'));
  const env = { ...process.env, MARK_ADDR: '127.0.0.1:0', MARK_DATA_DIR: folder, MARK_LLM_BASE_URL: '', MARK_LLM_API_KEY: '', OPENAI_BASE_URL: '', OPENAI_API_KEY: '' };
  const mark = spawn(program, ['serve'], { env, stdio: ['ignore', 'pipe', 'pipe'] });
  const kill = () => mark.kill();
  process.once('exit', kill);
  const ended = new Promise((resolve) => mark.once('exit', resolve));
  const lines = [];
  const stop = async () => {
    mark.kill();
    await ended;
    process.off('exit', kill);
    await rm(folder, { recursive: true, force: true });
  };
  const address = new Promise((resolve, reject) => {
    mark.once('error', reject);
    for (const stream of [mark.stdout, mark.stderr]) {
      createInterface(stream).on('line', (line) => {
        lines.push(line);
        const found = /^ +API +(http\S+)\/graphql/.exec(line);
        if (found) resolve(found[1]);
      });
    }
    ended.then((code) => reject(new Error(`Mark ended with ${code}:\n${lines.join('\n')}`)));
  });
  try {
    return { url: await address, stop };
  } catch (error) {
    process.off('exit', kill);
    await rm(folder, { recursive: true, force: true });
    throw error;
  }
}

// Starts what the browser test needs: the scripted API, the page before it as
// the product serves it, and a browser.
import { execFile, spawn } from 'node:child_process';
import { existsSync } from 'node:fs';
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { createInterface } from 'node:readline';
import { promisify } from 'node:util';
import { startAPI } from './api.js';
import { executable, launch } from './browser.js';

const here = import.meta.dirname;

// skip is the reason to skip all, or false. CI promises that a browser is
// there: without one the test fails there.
export const skip =
  !executable && process.env.CI !== 'true' && 'no Chromium here: apt-get install chromium, or set MARK_TEST_CHROMIUM';

export async function start() {
  if (!executable) throw new Error('CI=true, but there is no Chromium');
  if (!existsSync(join(here, '../../web/dist/playground/index.html'))) throw new Error('the playground is not built: make assets');
  const folder = await mkdtemp(join(tmpdir(), 'mark-playground-'));
  const binary = join(folder, 'page');
  await promisify(execFile)('go', ['build', '-o', binary, './page'], { cwd: here });
  const api = await startAPI();
  const page = spawn(binary, [api.url], { stdio: ['pipe', 'pipe', 'inherit'] });
  const [url] = await new Promise((resolve, reject) => {
    createInterface(page.stdout).once('line', (line) => resolve([line]));
    page.once('exit', (code) => reject(new Error(`the page's server ended with ${code}`)));
  });
  const browser = await launch();
  return {
    api,
    browser,
    url: `${url}/graphiql`,
    async stop() {
      await browser.close();
      const ended = new Promise((resolve) => page.once('exit', resolve));
      page.stdin.end();
      await ended;
      await api.stop();
      await rm(folder, { recursive: true });
    },
  };
}

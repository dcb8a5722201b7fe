// Finds a Chromium and opens pages in it that can reach this machine alone.
import { existsSync } from 'node:fs';
import { chromium } from 'playwright-core';

const places = [process.env.MARK_TEST_CHROMIUM, '/usr/bin/chromium', '/usr/bin/chromium-browser', '/usr/bin/google-chrome'];

export const executable = places.find((path) => path && existsSync(path));

const quiet = ['--disable-gpu', '--disable-quic', '--no-first-run', '--disable-background-networking', '--disable-component-update', '--disable-sync'];

export function launch() {
  // Chromium's own sandbox does not start as root; the pages are ours.
  const args = process.getuid?.() === 0 ? [...quiet, '--no-sandbox'] : quiet;
  return chromium.launch({ executablePath: executable, args });
}

// open opens a page and gathers what must not happen on it: errors, broken
// policy, requests to anywhere but its own origin.
export async function open(browser, url, options = {}) {
  const context = await browser.newContext({ viewport: { width: 1440, height: 900 }, ...options });
  const page = await context.newPage();
  const problems = [];
  page.on('pageerror', (error) => problems.push(`error: ${error.message}`));
  page.on('console', (message) => message.type() === 'error' && problems.push(`console: ${message.text()}`));
  page.on('request', (request) => {
    const address = new URL(request.url());
    if (!['data:', 'blob:'].includes(address.protocol) && address.origin !== new URL(url).origin) problems.push(`request: ${address}`);
  });
  await page.goto(url);
  return { page, problems, close: () => context.close() };
}

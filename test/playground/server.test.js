// Takes the tour on a running Mark, as a newcomer would: every stop, in order,
// as it comes. MARK_TEST_URL says where it is, as "http://127.0.0.1:8080".
import assert from 'node:assert/strict';
import { randomUUID } from 'node:crypto';
import { test } from 'node:test';
import { executable, launch, open } from './browser.js';
import { until } from './expect.js';
import { skip } from './setup.js';
import { go, noted, panel, press, ready } from './tour.js';

const url = process.env.MARK_TEST_URL;
const patience = 180_000; // milliseconds: a first run also starts a sandbox

const reply = async (page) => (await page.locator('.result-window').innerText()).replaceAll('\u00a0', ' ');

// pressUntil runs the open document, again every other second, until the reply
// matches.
async function pressUntil(page, pattern, again) {
  const deadline = Date.now() + patience;
  for (await press(page); ; await (again && press(page))) {
    await until(async () => (await reply(page)).trim() !== '', 'a reply');
    for (let i = 0; i < 20; i++) {
      if (pattern.test(await reply(page))) return;
      await page.waitForTimeout(100);
    }
    if (Date.now() > deadline) assert.fail(`waited in vain for ${pattern} in:\n${await reply(page)}`);
  }
}

test('the tour works on a running Mark', { skip: skip || (!url && 'MARK_TEST_URL is not set') }, async () => {
  assert.ok(executable, 'CI=true, but there is no Chromium');
  const browser = await launch();
  try {
    const { page, problems } = await open(browser, `${url}/graphiql`, { viewport: { width: 1440, height: 1600 } });
    await ready(page);
    await pressUntil(page, /"version"/);
    await go(page, 2);
    await page.locator('.graphiql-editor-tool .view-line').first().click();
    await page.keyboard.press('ControlOrMeta+A');
    await page.keyboard.insertText(JSON.stringify({ email: `${randomUUID()}@example.com`, password: randomUUID() }));
    await press(page, 'SignUp');
    await noted(page, 'Signed in');
    const stops = [
      [3, /"dst_/], [4, /"state": "READY"/, true], [5, /"cht_/], [6, /"run_/], [7, /"RunFinished"/], [8, /"story"/],
      [9, /"run_/], [7, /"RunFinished"/], [10, /"run_/],
    ];
    for (const [place, pattern, again] of stops) {
      await go(page, place);
      await pressUntil(page, pattern, again);
    }
    assert.equal(await page.locator('.mark-step-done').count(), 10, 'every stop is done');
    await panel(page, 'Answer');
    await page.locator('.mark-story').waitFor();
    assert.deepEqual(problems, []);
  } finally {
    await browser.close();
  }
});

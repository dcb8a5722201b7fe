// Takes the tour on a running Mark, as a newcomer would: every stop, in order,
// as it comes.
import assert from 'node:assert/strict';
import { randomUUID } from 'node:crypto';
import { after, before, describe, test } from 'node:test';
import { executable, launch, open } from './browser.js';
import { expectText, until } from './expect.js';
import { noMark, startMark } from './mark.js';
import { skip } from './setup.js';
import { go, noted, panel, press, ready, writeVariables } from './tour.js';

const patience = 60_000; // milliseconds: a run takes under a second where nothing else goes on

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

describe('on a running Mark', { skip: skip || noMark }, () => {
  let mark, browser, tab, page;

  before(async () => {
    assert.ok(executable, 'CI=true, but there is no Chromium');
    mark = await startMark();
    browser = await launch();
    tab = await open(browser, `${mark.url}/graphiql`, { viewport: { width: 1440, height: 1600 } });
    ({ page } = tab);
    await ready(page);
  });
  after(async () => {
    await browser?.close();
    await mark?.stop();
  });

  test('the tour works, every stop of it', async () => {
    await pressUntil(page, /"version"/);
    await go(page, 2);
    await writeVariables(page, { email: `${randomUUID()}@example.com`, password: randomUUID() });
    await press(page, 'SignUp');
    await noted(page, 'Signed in');
    const stops = [
      [3, /"dst_/], [4, /"state": "READY"/, true], [5, /"cht_/], [6, /"run_/], [7, /"RunFinished"/], [8, /"story"/],
      [9, /"run_/], [7, /"RunFinished"/], [11, /"run_/], [7, /"RunFinished"/], [12, /"ChatSnapshot"/], [13, /"run_/], [10, /"run_/],
    ];
    for (const [place, pattern, again] of stops) {
      await go(page, place);
      await pressUntil(page, pattern, again);
    }
    assert.equal(await page.locator('.mark-step-done').count(), 13, 'every stop is done');
  });

  test('a question is answered and a program allowed in the panel', async () => {
    await panel(page, 'Answer');
    const answer = page.locator('.mark-panel');
    await expectText(answer.getByLabel('Question'), 'Which do you mean');
    await answer.getByRole('button', { name: 'average bill_length_mm by species' }).click();
    await expectText(answer.getByLabel('Approval'), 'bill_length_mm');
    await answer.getByRole('button', { name: 'Run it' }).click();
    await expectText(answer.locator('.mark-story'), 'bill_length_mm');
    await panel(page, 'Tour');
    await go(page, 9);
    await pressUntil(page, /"run_/);
  });

  test('the answer is drawn, and a suggested question is answered at a click', async () => {
    await panel(page, 'Answer');
    const answer = page.locator('.mark-panel');
    await expectText(answer.locator('.mark-question'), 'between the islands');
    await answer.locator('.mark-plot svg').first().waitFor();
    await answer.locator('.mark-table tbody tr').first().waitFor();
    const suggested = answer.locator('.mark-asks button').first();
    const question = await suggested.innerText();
    await suggested.click();
    await expectText(answer.locator('.mark-question'), question);
    await answer.locator('.mark-story').waitFor();
    await answer.locator('.mark-plot svg').first().waitFor();
    assert.deepEqual(tab.problems, []);
  });
});

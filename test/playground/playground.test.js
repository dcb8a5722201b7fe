import axe from 'axe-core';
import assert from 'node:assert/strict';
import { after, afterEach, before, beforeEach, describe, test } from 'node:test';
import { open } from './browser.js';
import { expectText, until } from './expect.js';
import { skip, start } from './setup.js';
import { go, noted, panel, press, ready, shown, takeUntilAsked } from './tour.js';

describe('the playground', { skip }, () => {
  let setup, tab, page, seen;

  before(async () => {
    setup = await start();
    ({ seen } = setup.api);
  });
  after(() => setup?.stop());
  beforeEach(async () => {
    for (const key of Object.keys(seen)) delete seen[key];
    Object.assign(seen, { requests: [], connections: [], tokens: 0 });
    tab = await open(setup.browser, setup.url);
    ({ page } = tab);
    await ready(page);
  });
  afterEach(async () => {
    const { problems } = tab;
    await tab.close();
    assert.deepEqual(problems, [], 'errors, broken policy, or requests to elsewhere');
  });

  const sent = (operation) => seen.requests.filter(({ body }) => body.operationName === operation);

  test('opens on the tour, its first stop ready to run', async () => {
    await expectText(page.locator('.mark-panel'), 'Take the tour');
    assert.equal(await page.getByRole('tab').or(page.locator('.graphiql-tab')).count(), 13);
    await press(page);
    await shown(page, '0.0.0-scripted');
    assert.equal(sent('Welcome')[0].authorization, undefined);
    await page.locator('.mark-step-done').waitFor();
  });

  test('completes and checks as one types, with workers of its own', async () => {
    await until(() => page.workers().length > 0, 'a worker');
    await page.locator('.graphiql-query-editor .view-line').first().click();
    await page.keyboard.press('ControlOrMeta+A');
    await page.keyboard.type('{ server { ver', { delay: 30 });
    await expectText(page.locator('.graphiql-query-editor .suggest-widget'), 'version');
    await page.keyboard.press('Escape');
    await page.keyboard.type('x');
    await page.locator('.graphiql-query-editor .squiggly-error').first().waitFor();
  });

  test('signs in by itself, remembers ids, follows the run, shows the answer', async () => {
    await takeUntilAsked(page);
    assert.equal(sent('AddDataset')[0].authorization, 'Bearer token-1');
    const { input } = sent('AskQuestion')[0].body.variables;
    assert.match(input.chatId, /^cht_/);

    await go(page, 7);
    await press(page);
    await shown(page, 'RunFinished');
    await shown(page, '"received": 4');
    assert.deepEqual(seen.connections, [{ authorization: 'Bearer token-1' }]);
    assert.match(seen.subscribed.runId, /^run_/);

    await panel(page, 'Answer');
    const answer = page.locator('.mark-panel');
    await expectText(answer, 'Gentoo weigh 5,076 g on average.');
    await expectText(answer, 'How does body mass differ between the species?');
    await expectText(answer, 'Two penguins have no body mass.');
    await answer.getByText('Where the numbers come from').click();
    await expectText(answer, 'on average. s1.stdout');
    await answer.getByText('What ran for it').click();
    await expectText(answer.locator('.mark-printed'), 'Gentoo 5076.0163');
    await expectText(answer, 'SELECT count(*) FROM penguins');
    assert.equal(await answer.locator('table tbody tr').count(), 3);
    await answer.locator('.mark-plot svg .bars').first().waitFor();
    assert.equal(await answer.locator('.mark-story :is(img, script)').count(), 0, 'HTML of the story is text');
    assert.equal(await page.title(), 'Mark · GraphiQL');
  });

  test('asks a suggested question at a click, and looks until it is answered', async () => {
    await takeUntilAsked(page);
    await panel(page, 'Answer');
    seen.states = ['QUEUED', 'RUNNING'];
    await page.getByRole('button', { name: 'Does it differ by sex?' }).click();
    const answer = page.locator('.mark-panel');
    await expectText(answer.locator('.mark-question'), 'Does it differ by sex?');
    await expectText(answer, 'Mark is working on it.');
    await expectText(answer, 'Gentoo weigh 5,076 g on average.');
    const { input } = sent('AskNext')[0].body.variables;
    assert.match(input.chatId, /^cht_/);
    assert.match(sent('NewestAnswer').at(-1).body.variables.runId, /^run_0+2$/);
  });

  test('shows what a query is and reads before it is allowed', async () => {
    await takeUntilAsked(page);
    seen.states = ['WAITING'];
    seen.approvals = [{ id: 'apr_1', state: 'PENDING', reason: 'It may bill 40 GiB.', code: null, sql: 'SELECT sum(amount) FROM shop.orders', tables: ['acme.shop.orders'], createdAt: new Date().toISOString() }];
    await panel(page, 'Answer');
    const asked = page.getByLabel('Approval');
    await expectText(asked, 'It may bill 40 GiB.');
    await expectText(asked, 'SELECT sum(amount) FROM shop.orders');
    await expectText(asked, 'It reads acme.shop.orders.');
    await asked.getByRole('button', { name: 'Run it' }).click();
    await expectText(page.locator('.mark-panel'), 'Gentoo weigh 5,076 g on average.');
    assert.equal(seen.decided.decision, 'APPROVE');
  });

  test('keeps the session over a reload, and forgets it when told', async () => {
    await go(page, 2);
    await press(page, 'SignUp');
    await noted(page, 'Signed in as ada@example.com');
    await page.reload();
    await ready(page);
    await expectText(page.locator('.mark-panel'), 'Signed in as ada@example.com');
    await page.getByRole('button', { name: 'Forget it' }).click();
    await go(page, 3);
    await press(page);
    await noted(page, 'Sign in first');
    assert.equal(sent('AddDataset')[0].authorization, undefined);
  });

  test('says what is missing in place of sending it', async () => {
    await go(page, 13);
    await press(page);
    await shown(page, 'Run the tab AskQuestion');
    assert.equal(sent('StopRun').length, 0);
  });

  test('uploads a file', async () => {
    await go(page, 2);
    await press(page, 'SignUp');
    await noted(page, 'Signed in');
    await panel(page, 'Upload a dataset');
    await page.getByLabel('Choose a file').setInputFiles({ name: 'sales.csv', mimeType: 'text/csv', buffer: Buffer.from('a,b\n1,2\n') });
    await page.getByLabel('Name (optional)').fill('Sales');
    await page.getByRole('button', { name: 'Upload', exact: true }).click();
    await expectText(page.locator('.mark-box-good'), 'Sales is stored (PENDING).');
    const upload = seen.requests.find(({ file }) => file);
    assert.deepEqual(upload.file, { name: 'sales.csv', text: 'a,b\n1,2\n' });
    assert.ok(upload.headers['apollo-require-preflight']);
    assert.equal(upload.authorization, 'Bearer token-1');
    await panel(page, 'Tour');
    await go(page, 4);
    await press(page);
    await until(() => sent('LookAtDataset').length === 1, 'the query for the dataset');
    assert.match(sent('LookAtDataset')[0].body.variables.id, /^dst_0+2$/);
  });

  test('tells why an upload failed', async () => {
    await panel(page, 'Upload a dataset');
    await page.getByLabel('Choose a file').setInputFiles({ name: 'sales.csv', mimeType: 'text/csv', buffer: Buffer.from('a\n') });
    await page.getByRole('button', { name: 'Upload', exact: true }).click();
    await expectText(page.locator('.mark-box-bad'), 'Sign in first.');
  });

  test('stops listening at once, and leaves the run alone', async () => {
    await takeUntilAsked(page);
    let release;
    seen.hold = new Promise((resolve) => (release = resolve));
    await go(page, 7);
    await press(page);
    await shown(page, '"received": 3');
    await press(page);
    await until(() => seen.closed === 1, 'the end of the connection');
    release();
    assert.equal(sent('StopRun').length, 0);
  });

  test('renews the session when its token is about to end', async () => {
    seen.tokenLife = 10_000;
    await go(page, 2);
    await press(page, 'SignUp');
    await noted(page, 'Signed in');
    seen.tokenLife = 900_000;
    await go(page, 3);
    await press(page);
    await shown(page, 'dst_');
    assert.equal(seen.refreshed, 'refresh-1');
    assert.equal(sent('AddDataset')[0].authorization, 'Bearer token-2');
  });

  test('keeps a session that could not be renewed just now', async () => {
    seen.tokenLife = 10_000;
    seen.busy = true;
    await go(page, 2);
    await press(page, 'SignUp');
    await noted(page, 'Signed in');
    await go(page, 3);
    await press(page);
    await noted(page, 'Too many requests: wait a moment.');
    await shown(page, 'dst_');
    assert.equal(sent('AddDataset')[0].authorization, 'Bearer token-1');
  });

  test('says so when the session has expired', async () => {
    seen.tokenLife = 10_000;
    seen.refuseRefresh = true;
    await go(page, 2);
    await press(page, 'SignUp');
    await noted(page, 'Signed in');
    await go(page, 3);
    await press(page);
    await noted(page, 'Your session has expired.');
    await expectText(page.locator('.mark-panel'), 'Not signed in yet');
  });

  test('its panels are accessible, in light and dark', async () => {
    await takeUntilAsked(page);
    await page.evaluate(axe.source); // the policy lets no script tag in
    for (const colorScheme of ['light', 'dark']) {
      await page.emulateMedia({ colorScheme });
      for (const title of ['Upload a dataset', 'Answer', 'Tour']) {
        await panel(page, title);
        await page.locator('.mark-panel h2').first().waitFor();
        const { violations } = await page.evaluate(() => window.axe.run('.mark-panel'));
        assert.deepEqual(violations.map(({ id, nodes }) => [colorScheme, title, id, nodes.map(({ html }) => html)]), []);
      }
    }
  });
});

// What a person does on the page.
import { expectText } from './expect.js';

export const ready = (page) => page.locator('.graphiql-query-editor .view-line').first().waitFor();

// go opens a stop of the tour by its place, from 1.
export const go = async (page, place) => {
  await page.locator('.mark-steps button').nth(place - 1).click();
};

// press runs the open document; operation picks one of several.
export async function press(page, operation) {
  // The menu comes, and goes, a moment after its tab.
  await page.locator(`.graphiql-execute-button${operation ? '[aria-haspopup=menu]' : ':not([aria-haspopup])'}`).click();
  if (operation) await page.getByRole('menuitem', { name: operation }).click();
}

// writeVariables puts other variables in the place of the tab's own. It pastes
// them: to what is typed, the editor adds closing quotes and brackets.
export async function writeVariables(page, variables) {
  await page.context().grantPermissions(['clipboard-read', 'clipboard-write']);
  await page.evaluate((text) => navigator.clipboard.writeText(text), JSON.stringify(variables, null, 2));
  await page.locator('.graphiql-editor-tool .view-line').first().click();
  await page.keyboard.press('ControlOrMeta+A');
  await page.keyboard.press('ControlOrMeta+V');
}

// shown waits until the reply holds a text. Monaco writes spaces as
// no-break spaces and shows what fits only.
export const shown = (page, text) => expectText(page.locator('.result-window'), text);

export const panel = (page, title) => page.getByRole('button', { name: `Show ${title}`, exact: true }).click();

export const noted = (page, text) => expectText(page.locator('.mark-notes'), text);

// take walks the tour from signing up to asking.
export async function takeUntilAsked(page) {
  await go(page, 2);
  await press(page, 'SignUp');
  await noted(page, 'Signed in as');
  for (const [place, text] of [[3, 'dst_'], [4, 'READY'], [5, 'cht_'], [6, 'run_']]) {
    await go(page, place);
    await press(page);
    await shown(page, text);
  }
}

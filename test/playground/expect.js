// Waits for what a person would see.
import assert from 'node:assert/strict';

const patience = 15_000; // milliseconds

const plain = (text) => text.replaceAll('\u00a0', ' ');

// expectText waits until an element holds a text.
export async function expectText(locator, text) {
  await until(async () => plain(await locator.innerText()).includes(text), async () => `"${text}" in:\n${plain(await locator.innerText())}`);
}

// until polls a condition of the page or the scripted API.
export async function until(condition, what) {
  const deadline = Date.now() + patience;
  while (!(await condition())) {
    if (Date.now() > deadline) assert.fail(`waited in vain for ${typeof what === 'string' ? what : await what()}`);
    await new Promise((resolve) => setTimeout(resolve, 50));
  }
}

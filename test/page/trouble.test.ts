import { join } from 'node:path';
import { afterEach, describe, expect, it } from 'vitest';
import { unclip } from '../support/cli.js';
import { draw, drawn, FEW_STEPS, latestCard, PageTest } from './support.js';

let test: PageTest;

afterEach(() => test?.close());

/** Long enough to be stopped on its way. */
const LONG = { ...FEW_STEPS, num_inference_steps: '240' };

describe('the page tells', () => {
  it('what the server refuses, and keeps what was typed', async () => {
    test = await PageTest.start();
    const page = await test.open();
    // A page that would let everything through.
    await page.locator('.compose').evaluate((form: HTMLFormElement) => {
      form.noValidate = true;
    });
    await draw(page, 'a red ball on the grass', '-5');
    const card = latestCard(page);
    await card.getByRole('alert').waitFor();
    expect(await card.getByRole('alert').textContent()).toContain("Invalid 'seed'");
    expect(await page.getByRole('textbox', { name: 'Prompt' }).inputValue()).toBe('a red ball on the grass');
    await card.getByText('Try again').click();
    await card.getByRole('alert').waitFor();
    await card.getByRole('button', { name: 'Dismiss' }).click();
    expect(await page.getByRole('article').count()).toBe(0);
    expect(test.troubles).toEqual([]);
  });

  it('that the queue is full, and tries again when the server says so', async () => {
    test = await PageTest.start('--max-queue', '1', '--batch-size', '1');
    const page = await test.open({}, LONG);
    // Two are under way and one waits: the fourth is one too many.
    for (const prompt of ['a red ball', 'a blue cube', 'a green cone']) {
      await draw(page, prompt);
      await page.waitForTimeout(500);
    }
    await draw(page, 'a pink tree on the beach');
    await latestCard(page)
      .getByText(/^Too many pictures are waiting.* Trying again in \d+ s\.$/)
      .waitFor();
    for (const card of [3, 2, 1]) await page.getByRole('article').nth(card).getByText('Cancel').click();
    await latestCard(page)
      .getByText(/^Decoder, step/)
      .waitFor();
    await page.keyboard.press('Escape');
    expect(test.troubles).toEqual([]);
  });

  it('that the server has gone, and goes on when it is back', async () => {
    test = await PageTest.start();
    const page = await test.open({}, LONG);
    await draw(page, 'a green school bus in a living room', '3');
    await latestCard(page).locator('.canvas img.unfinished').waitFor();
    await test.kill();
    await latestCard(page).getByText('The connection to the server was lost. What you asked for is kept.').waitFor();
    await latestCard(page).getByText('Try again').click();
    await latestCard(page).getByText('The connection to the server was lost').waitFor();
    await test.serve(new URL(test.url).port);
    await latestCard(page).getByText('Try again').click();
    await latestCard(page).locator('.canvas img.unfinished').waitFor();
    await page.keyboard.press('Escape');
    expect(await page.getByRole('textbox', { name: 'Prompt' }).inputValue()).toBe(
      'a green school bus in a living room',
    );
    expect(test.troubles).toEqual([]);
  });

  it('that a key is asked for, and forgets it with the tab', async () => {
    test = await PageTest.start();
    await test.kill();
    const made = await unclip(['api-key', join(test.folder, 'keys.jsonl'), '--name', 'ann']);
    await test.serve('0', '--api-keys', join(test.folder, 'keys.jsonl'));
    const page = await test.open({}, FEW_STEPS, 'This server asks for an API key:');
    await page.getByLabel('This server asks for an API key:').fill('sk-wrong');
    await page.keyboard.press('Enter');
    await page.getByLabel('The server does not know this API key. Give another:').fill(made.stdout.trim());
    await page.keyboard.press('Enter');
    await draw(page, 'a red ball on the grass');
    await drawn(page);
    const kept = await page.evaluate(() => [JSON.stringify(localStorage), JSON.stringify(sessionStorage)]);
    expect(kept.map((text) => text.includes(made.stdout.trim()))).toEqual([false, true]);
    expect(test.troubles).toEqual([]);
  });
});

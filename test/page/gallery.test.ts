import type { Page } from 'playwright-core';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { draw, drawn, latestCard, PageTest, pictureOf, pixelsOf } from './support.js';

let test: PageTest;
let page: Page;

const tiles = () => page.locator('.tile-picture');

beforeAll(async () => {
  test = await PageTest.start();
  page = await test.open();
  for (const [seed, prompt] of [
    'a red ball on the grass',
    'a blue car in a parking lot',
    'a pink house on the beach',
  ].entries()) {
    await draw(page, prompt, String(seed));
    await drawn(page);
  }
}, 400_000);
afterAll(() => test?.close());

describe('the gallery', () => {
  it('is there after a reload, newest first, with the pictures as they were', async () => {
    const before = await pixelsOf(pictureOf(latestCard(page)));
    await page.reload();
    await tiles().nth(2).waitFor();
    const labels = await tiles().evaluateAll((buttons) => buttons.map((button) => button.getAttribute('aria-label')));
    expect(labels).toEqual([
      'Open: a pink house on the beach',
      'Open: a blue car in a parking lot',
      'Open: a red ball on the grass',
    ]);
    expect(await pixelsOf(tiles().first().locator('img'))).toEqual(before);
    // What was typed is kept as well.
    expect(await page.getByRole('textbox', { name: 'Prompt' }).inputValue()).toBe('a pink house on the beach');
  });

  it('shows a picture large with its parameters and its story, and goes on by arrow keys', async () => {
    await tiles().first().click();
    const large = page.getByRole('dialog');
    await large.getByText('1 of 3').waitFor();
    await page.keyboard.press('ArrowRight');
    await large.getByText('2 of 3').waitFor();
    expect(await large.getByRole('heading', { level: 2 }).textContent()).toBe('a blue car in a parking lot');
    const parameters = await large.locator('.parameters > div').allTextContents();
    expect(parameters).toEqual(
      expect.arrayContaining([
        'Seed1',
        'Decoder steps4',
        'Prior steps3',
        'Upsampler steps2',
        'Size256 × 256',
        'Modelbundled',
      ]),
    );
    expect(await large.locator('.thoughts li').count()).toBe(8);
    await large.getByRole('slider').fill('1');
    expect(await large.getByRole('slider').getAttribute('aria-valuetext')).toBe('Prior, step 2 of 3');
    await page.keyboard.press('Escape');
    await large.waitFor({ state: 'detached' });
    expect(await page.evaluate(() => document.activeElement?.getAttribute('aria-label'))).toBe(
      'Open: a pink house on the beach',
    );
  });

  it('copies parameters that make the same picture by the API', async () => {
    await page.context().grantPermissions(['clipboard-read', 'clipboard-write']);
    await tiles().first().click();
    const large = page.getByRole('dialog');
    await large.getByText('Copy parameters').click();
    await page.getByText('Parameters copied.').waitFor();
    const copied = JSON.parse(await page.evaluate(() => navigator.clipboard.readText())) as object;
    expect(copied).toMatchObject({ prompt: 'a pink house on the beach', seed: 2, num_inference_steps: 4 });
    const response = await fetch(`${test.url}/v1/images/generations`, {
      method: 'POST',
      headers: { 'content-type': 'application/json' },
      body: JSON.stringify(copied),
    });
    const { data } = (await response.json()) as { data: [{ b64_json: string }] };
    const [download] = await Promise.all([page.waitForEvent('download'), large.getByText('Download').click()]);
    const chunks: Buffer[] = [];
    for await (const chunk of await download.createReadStream()) chunks.push(chunk as Buffer);
    expect(Buffer.concat(chunks).equals(Buffer.from(data[0].b64_json, 'base64'))).toBe(true);
    await page.keyboard.press('Escape');
  });

  it('puts settings back into the form', async () => {
    await tiles().nth(2).click();
    await page.getByRole('dialog').getByText('Use these settings').click();
    expect(await page.getByRole('textbox', { name: 'Prompt' }).inputValue()).toBe('a red ball on the grass');
    expect(await page.getByLabel('Seed', { exact: true }).inputValue()).toBe('0');
  });

  it('deletes one, takes that back, and deletes all once it has asked', async () => {
    await tiles().nth(1).focus();
    await page.keyboard.press('Delete');
    await expect.poll(() => tiles().count()).toBe(2);
    await page.getByRole('button', { name: 'Undo' }).click();
    await expect.poll(() => tiles().nth(1).getAttribute('aria-label')).toBe('Open: a blue car in a parking lot');
    await page.getByText('Clear all').click();
    await page.getByRole('button', { name: 'Keep' }).click();
    expect(await tiles().count()).toBe(3);
    await page.getByText('Clear all').click();
    await page.getByRole('button', { name: 'Delete all 3 pictures' }).click();
    await page.getByText('A sentence becomes an image embedding').waitFor();
    await page.reload();
    await page.getByText('A sentence becomes an image embedding').waitFor();
    expect(await tiles().count()).toBe(0);
    expect(test.troubles).toEqual([]);
  });

  it('keeps the last 200', async () => {
    await draw(page, 'a red car on a table', '9');
    await drawn(page);
    // Older copies of it.
    await page.evaluate(async () => {
      const settled = <T>(request: IDBRequest<T>) =>
        new Promise<T>((resolve) => {
          request.onsuccess = () => resolve(request.result);
        });
      const database = await settled(indexedDB.open('unclip'));
      const transaction = database.transaction('pictures', 'readwrite');
      const store = transaction.objectStore('pictures');
      const [entry] = await settled(store.getAll());
      for (let k = 1; k < 200; k++) store.put({ ...entry, id: `copy ${k}`, order: entry.order - k });
      await new Promise((resolve) => {
        transaction.oncomplete = resolve;
      });
    });
    await page.reload();
    await expect.poll(() => tiles().count()).toBe(200);
    await draw(page, 'a blue car on a table', '9');
    await drawn(page);
    await page.reload();
    await expect.poll(() => tiles().count()).toBe(200);
    expect(await tiles().first().getAttribute('aria-label')).toBe('Open: a blue car on a table');
    expect(await tiles().last().getAttribute('data-entry')).toBe('copy 198');
    expect(test.troubles).toEqual([]);
  });

  it('says of a card that its picture was deleted, until that is taken back', async () => {
    await draw(page, 'a red car on a table', '9');
    await drawn(page);
    const card = latestCard(page);
    await card.getByText('Delete').click();
    await card.getByText('This picture was deleted.').waitFor();
    await page.getByRole('button', { name: 'Undo' }).click();
    await card.getByRole('img').waitFor();
    expect(test.troubles).toEqual([]);
  });
});

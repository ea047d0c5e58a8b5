import { readFileSync } from 'node:fs';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { draw, drawn, latestCard, PageTest, pictureOf, pixelsOf } from './support.js';

let test: PageTest;

beforeAll(async () => {
  test = await PageTest.start();
}, 400_000);
afterAll(() => test?.close());

describe('drawing on the page', () => {
  it('shows the picture before it is finished, what the model thinks, and the way there afterwards', async () => {
    const page = await test.open();
    // Longer than elsewhere: what is seen on the way has to be seen by the test, too.
    await page.getByText('Settings').click();
    await page.locator('#field-num_inference_steps').fill('40');
    await draw(page, 'a red ball on the grass');
    const card = latestCard(page);
    await card.locator('.canvas img.unfinished').waitFor();
    expect(await card.getByText(/^Decoder, step \d+ of 40$/).count()).toBe(1);
    const half = Number(await card.getByRole('progressbar').getAttribute('value'));
    expect(half).toBeGreaterThan(0.1);
    expect(half).toBeLessThan(1);
    // The first to ask may wait for them: the captions are embedded as the page is opened.
    await card.getByText('What the model thinks').waitFor();
    expect(await card.locator('.thoughts li').first().textContent()).toContain('a red ball on the grass');
    await drawn(page);
    const { width, height, data } = await pixelsOf(pictureOf(card));
    expect([width, height]).toEqual([256, 256]);
    expect(new Set(data).size).toBeGreaterThan(50);
    expect(await card.getByText(/^Seed \d+$/).count()).toBe(1);
    // The way there can be gone again: the prior's steps, then the unfinished pictures.
    const slider = card.getByRole('slider');
    await slider.fill('0');
    expect(await slider.getAttribute('aria-valuetext')).toBe('Prior, step 1 of 3');
    await slider.fill('3');
    expect(await slider.getAttribute('aria-valuetext')).toMatch(/^Decoder, step/);
    expect(test.troubles).toEqual([]);
  });

  it('sends what was typed, and draws the same again to the byte', async () => {
    const page = await test.open();
    const sent = page.waitForRequest('**/v1/images/generations');
    await page.getByText('Settings').click();
    await page.locator('#field-guidance_scale').fill('1.5');
    await page.locator('#field-sampler').selectOption('ddim');
    await page.getByLabel('Pictures', { exact: true }).fill('2');
    await draw(page, 'a blue cube on a table', '41');
    expect((await sent).postDataJSON()).toMatchObject({
      prompt: 'a blue cube on a table',
      n: 2,
      seed: 41,
      prior_num_inference_steps: 3,
      num_inference_steps: 4,
      super_res_num_inference_steps: 2,
      guidance_scale: 1.5,
      sampler: 'ddim',
      stream: true,
      nearest_captions: 8,
    });
    await drawn(page);
    const card = latestCard(page);
    await card.getByRole('button', { name: 'Picture 2' }).click();
    await card.getByText('Seed 42').waitFor();
    const [file] = await Promise.all([page.waitForEvent('download'), card.getByText('Download').click()]);
    expect(file.suggestedFilename()).toBe('a-blue-cube-on-a-table-42.png');
    // The file as the server gave it carries its parameters.
    expect(readFileSync(await file.path()).toString('latin1')).toContain('a blue cube on a table');
    const before = await pixelsOf(pictureOf(card));
    await card.getByText('Same again').click();
    await latestCard(page).getByText('The same picture, to the byte').waitFor();
    expect(await pixelsOf(pictureOf(latestCard(page)))).toEqual(before);
    expect(test.troubles).toEqual([]);
  });

  it('draws several requests at the same time, and cancels with Escape', async () => {
    const page = await test.open();
    await page.getByText('Settings').click();
    await draw(page, 'a red cone on the beach');
    await draw(page, 'a pink star in the night sky');
    await page.locator('#field-num_inference_steps').fill('200');
    await draw(page, 'a tree on the grass');
    expect(await page.getByRole('article').count()).toBe(3);
    await latestCard(page).locator('.canvas img.unfinished').waitFor();
    await page.keyboard.press('Escape');
    await latestCard(page).getByText('Cancelled').waitFor();
    await page
      .getByRole('article')
      .getByText(/^Drawn in/)
      .nth(1)
      .waitFor();
    expect(test.troubles).toEqual([]);
  });

  it('makes variations', async () => {
    const page = await test.open();
    await draw(page, 'an orange lamp on a table', '5');
    await drawn(page);
    await latestCard(page).getByText('Vary').click();
    await page.getByRole('heading', { name: 'Variation' }).waitFor();
    await drawn(page);
    expect((await pixelsOf(pictureOf(latestCard(page)))).width).toBe(256);
    await latestCard(page).getByText('Same again').click();
    await latestCard(page).getByText('The same picture, to the byte').waitFor();
    expect(test.troubles).toEqual([]);
  });

  it('says which words the model has never seen', async () => {
    const page = await test.open();
    await page.getByRole('textbox', { name: 'Prompt' }).fill('A red dragon on the Moon');
    await expect.poll(() => page.locator('.unknown').textContent()).toBe('The model has never seen: dragon, moon');
    await page.getByRole('button', { name: 'a red ball in a parking lot' }).click();
    await expect.poll(() => page.locator('.unknown').textContent()).toBe('');
    expect(await page.getByRole('textbox', { name: 'Prompt' }).inputValue()).toBe('a red ball in a parking lot');
  });
});

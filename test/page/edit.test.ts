import type { Locator, Page } from 'playwright-core';
import sharp from 'sharp';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { draw, drawn, latestCard, PageTest, pictureOf, pixelsOf } from './support.js';

let test: PageTest;

beforeAll(async () => {
  test = await PageTest.start();
}, 400_000);
afterAll(() => test?.close());

/** Opens the edit view of a picture that was just drawn. */
async function edit(page: Page): Promise<Locator> {
  await draw(page, 'a green school bus in a living room', '7');
  await drawn(page);
  await latestCard(page).getByText('Edit', { exact: true }).click();
  const view = page.getByRole('dialog', { name: 'Edit a picture' });
  await view.waitFor();
  return view;
}

/** Paints a line across the picture, in parts of its sides. */
async function stroke(page: Page, view: Locator, from: [number, number], to: [number, number]): Promise<void> {
  const { x, y, width, height } = (await view.locator('canvas').boundingBox())!;
  await page.mouse.move(x + from[0] * width, y + from[1] * height);
  await page.mouse.down();
  await page.mouse.move(x + to[0] * width, y + to[1] * height, { steps: 5 });
  await page.mouse.up();
}

/** Pixels that are masked on the screen. */
const masked = (view: Locator): Promise<number> =>
  view.locator('canvas').evaluate((canvas: HTMLCanvasElement) => {
    const { data } = canvas.getContext('2d')!.getImageData(0, 0, canvas.width, canvas.height);
    return data.filter((value, at) => at % 4 === 3 && value >= 128).length;
  });

/** The picture and the mask that the latest picture of the gallery was made from, as files. */
async function originOf(page: Page): Promise<{ source: Buffer; mask: Buffer }> {
  const [source, mask] = await page.evaluate(async () => {
    const settled = <T>(request: IDBRequest<T>) =>
      new Promise<T>((resolve) => {
        request.onsuccess = () => resolve(request.result);
      });
    const database = await settled(indexedDB.open('unclip'));
    const all = await settled(database.transaction('pictures').objectStore('pictures').getAll());
    const latest = all.sort((one, other) => other.order - one.order)[0];
    const bytes = async (file: Blob) => [...new Uint8Array(await file.arrayBuffer())];
    return Promise.all([bytes(latest.source), bytes(latest.mask)]);
  });
  return { source: Buffer.from(source!), mask: Buffer.from(mask!) };
}

describe('the edit view', () => {
  it('draws what was painted over anew, and leaves every other pixel as it was', async () => {
    const steps = { prior_num_inference_steps: '2', num_inference_steps: '3', super_res_num_inference_steps: '2' };
    const page = await test.open({}, steps);
    const view = await edit(page);
    await view.getByText('Draw', { exact: true }).click();
    await view.getByText('Paint over what is to be drawn anew first.').waitFor();
    await stroke(page, view, [0.3, 0.5], [0.6, 0.6]);
    await view.getByRole('textbox').fill('a red ball in a living room');
    await view.getByText('Draw', { exact: true }).click();
    const card = latestCard(page);
    await card.locator('.canvas img.unfinished').waitFor();
    await drawn(page);
    const origin = await originOf(page);
    const mask = await sharp(origin.mask).raw().toBuffer();
    const before = await sharp(origin.source).ensureAlpha().raw().toBuffer();
    const { data: after } = await pixelsOf(pictureOf(card));
    let [kept, differ, anew] = [0, 0, 0];
    for (let at = 0; at < mask.length; at += 4) {
      const same = [0, 1, 2].every((channel) => before[at + channel] === after[at + channel]);
      if (mask[at + 3] === 0) anew += same ? 0 : 1;
      else {
        kept++;
        differ += same ? 0 : 1;
      }
    }
    expect(differ).toBe(0);
    expect(kept).toBeGreaterThan(30_000);
    expect(anew).toBeGreaterThan(1000);
    // Before and after; and the same once more.
    await card.getByText('Show before').click();
    expect((await pixelsOf(card.locator('.canvas img'))).data).toEqual([...before]);
    await card.getByText('Show after').click();
    expect((await pixelsOf(card.locator('.canvas img'))).data).toEqual(after);
    await card.getByText('Same again').click();
    await latestCard(page).getByText('The same picture, to the byte').waitFor();
    expect(test.troubles).toEqual([]);
  });

  it('paints, erases, inverts, takes back and does again', async () => {
    const page = await test.open();
    const view = await edit(page);
    await stroke(page, view, [0.2, 0.2], [0.8, 0.2]);
    const first = await masked(view);
    expect(first).toBeGreaterThan(2000);
    await page.keyboard.press(']');
    expect(await view.getByRole('slider').inputValue()).toBe('38');
    await page.keyboard.press('[');
    await page.keyboard.press('e');
    await stroke(page, view, [0.5, 0.2], [0.9, 0.2]);
    const second = await masked(view);
    expect(second).toBeLessThan(first);
    expect(second).toBeGreaterThan(0);
    await page.keyboard.press('i');
    // The edges of strokes are smooth.
    await expect.poll(async () => Math.abs((await masked(view)) - (256 * 256 - second))).toBeLessThan(100);
    await page.keyboard.press('Control+z');
    await expect.poll(() => masked(view)).toBe(second);
    await view.getByRole('button', { name: 'Undo' }).click();
    await expect.poll(() => masked(view)).toBe(first);
    await page.keyboard.press('Control+y');
    await expect.poll(() => masked(view)).toBe(second);
    await view.getByRole('button', { name: 'Clear' }).click();
    await expect.poll(() => masked(view)).toBe(0);
    // A mask waits for its picture.
    await page.keyboard.press('Control+z');
    await page.keyboard.press('Escape');
    await view.waitFor({ state: 'detached' });
    await latestCard(page).getByText('Edit', { exact: true }).click();
    await expect.poll(() => masked(view)).toBe(second);
    expect(test.troubles).toEqual([]);
  });

  it('masks a rectangle by keys alone', async () => {
    const page = await test.open();
    const view = await edit(page);
    await page.keyboard.press('r');
    await view.locator('canvas').focus();
    for (const key of ['ArrowLeft', 'ArrowUp', 'Shift+ArrowRight', 'Shift+ArrowDown', 'Alt+ArrowRight'])
      await page.keyboard.press(key);
    await page.keyboard.press('Enter');
    // A third of the sides, and a step more.
    await expect.poll(() => masked(view)).toBe((85 + 8) ** 2);
    await page.keyboard.press('Shift+ArrowLeft');
    await page.keyboard.press('Shift+Enter');
    await expect.poll(() => masked(view)).toBe(8 * (85 + 8));
    expect(test.troubles).toEqual([]);
  });

  it('takes fingers', async () => {
    const page = await test.open({ viewport: { width: 390, height: 844 }, hasTouch: true, isMobile: true });
    const view = await edit(page);
    await view.locator('canvas').tap({ position: { x: 100, y: 100 } });
    const dot = Math.PI * 16 ** 2;
    await expect.poll(async () => Math.abs((await masked(view)) - dot)).toBeLessThan(20);
    expect(test.troubles).toEqual([]);
  });
});

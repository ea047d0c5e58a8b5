import type { Page } from 'playwright-core';
import sharp from 'sharp';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { drawn, latestCard, PageTest, pictureOf, pixelsOf } from './support.js';

let test: PageTest;
let photo: Buffer;

beforeAll(async () => {
  test = await PageTest.start('--max-pixels', '100000');
  photo = await sharp({ create: { width: 120, height: 90, channels: 3, background: '#d04030' } })
    .jpeg()
    .toBuffer();
}, 400_000);
afterAll(() => test?.close());

/** Gives files to the page as a hand or a clipboard would. */
async function give(page: Page, how: 'drop' | 'paste', name: string, type: string, bytes: Buffer): Promise<void> {
  await page.evaluate(
    ({ how, name, type, bytes }) => {
      const data = new DataTransfer();
      data.items.add(new File([Uint8Array.from(bytes)], name, { type }));
      const send = (event: Event) => document.querySelector('main')!.dispatchEvent(event);
      const common = { bubbles: true, cancelable: true };
      if (how === 'paste') send(new ClipboardEvent('paste', { clipboardData: data, ...common }));
      else
        for (const kind of ['dragenter', 'dragover', 'drop'])
          send(new DragEvent(kind, { dataTransfer: data, ...common }));
    },
    { how, name, type, bytes: [...bytes] },
  );
}

describe("a person's own pictures", () => {
  it('are dropped, and varied', async () => {
    const page = await test.open();
    await give(page, 'drop', 'holiday.jpg', 'image/jpeg', photo);
    const large = page.getByRole('dialog', { name: 'holiday.jpg' });
    await large.getByText('120 × 90').waitFor();
    await large.getByText('Vary').click();
    await drawn(page);
    expect((await pixelsOf(pictureOf(latestCard(page)))).width).toBe(256);
    expect(await page.getByRole('button', { name: 'Open: holiday.jpg' }).count()).toBe(1);
    expect(test.troubles).toEqual([]);
  });

  it('are pasted, and edited at their own size', async () => {
    const page = await test.open();
    await give(page, 'paste', 'image.png', 'image/png', await sharp(photo).png().toBuffer());
    await page.getByRole('dialog', { name: 'image.png' }).getByText('Edit', { exact: true }).click();
    const view = page.getByRole('dialog', { name: 'Edit a picture' });
    await view.getByText('Rectangle').click();
    await view.getByText('Add the rectangle').click();
    await view.getByRole('textbox').fill('a blue ball on the beach');
    await view.getByRole('textbox').press('Enter');
    await drawn(page);
    const { width, height, data } = await pixelsOf(pictureOf(latestCard(page)));
    expect([width, height]).toEqual([120, 90]);
    expect(data.slice(0, 4)).toEqual([...(await sharp(photo).ensureAlpha().raw().toBuffer())].slice(0, 4));
    expect(test.troubles).toEqual([]);
  });

  it('come by the button, several at once', async () => {
    const page = await test.open();
    await page.locator('#own-files').setInputFiles([
      { name: 'one.jpg', mimeType: 'image/jpeg', buffer: photo },
      { name: 'two.webp', mimeType: 'image/webp', buffer: await sharp(photo).webp().toBuffer() },
    ]);
    await expect.poll(() => page.locator('.tile').count()).toBe(2);
  });

  it('are refused with the reason when they are none', async () => {
    const page = await test.open();
    await give(page, 'drop', 'notes.txt', 'text/plain', Buffer.from('hello'));
    await page.getByText('notes.txt is not a PNG, JPEG or WebP picture.').waitFor();
    await give(page, 'drop', 'broken.png', 'image/png', Buffer.from('hello'));
    await page.getByText('broken.png cannot be read as a picture; the file may be damaged.').waitFor();
    const large = await sharp(photo).resize(400, 300).png().toBuffer();
    await give(page, 'drop', 'large.png', 'image/png', large);
    await page.getByText('large.png has 400 × 300 pixels; the server reads at most 100,000.').waitFor();
    expect(await page.locator('.tile').count()).toBe(0);
    expect(test.troubles).toEqual([]);
  });
});

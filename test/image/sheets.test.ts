import sharp from 'sharp';
import { describe, expect, it } from 'vitest';
import { encodeAnimation } from '../../src/ts/image/animation.js';
import { contactSheet } from '../../src/ts/image/contact-sheet.js';
import type { Picture } from '../../src/ts/image/picture.js';

/** A picture of one grey value. */
const plain = (value: number, width = 6, height = 4, channels: 3 | 4 = 3): Picture => ({
  width,
  height,
  channels,
  data: new Uint8Array(width * height * channels).fill(value),
});

describe('contactSheet', () => {
  it('lays pictures row by row on white', () => {
    const sheet = contactSheet([plain(10), plain(20, 6, 4, 4), plain(30)], { columns: 2, gap: 1 });
    expect([sheet.width, sheet.height]).toEqual([15, 11]);
    const at = (x: number, y: number): number => sheet.data[(y * sheet.width + x) * 3]!;
    expect([at(1, 1), at(6, 4), at(8, 1), at(1, 6), at(6, 9)]).toEqual([10, 10, 20, 30, 30]);
    expect([at(0, 0), at(7, 3), at(3, 5), at(8, 6), at(14, 10)]).toEqual([255, 255, 255, 255, 255]);
  });

  it('makes rows as even as they get', () => {
    const columns = (n: number): number => contactSheet(new Array(n).fill(plain(1)), { gap: 0 }).width / 6;
    expect([1, 5, 8, 9, 16, 17].map(columns)).toEqual([1, 5, 8, 5, 8, 6]);
  });

  it('stays within what formats can hold', () => {
    const sheet = contactSheet(new Array(8).fill(plain(7, 1200, 300)));
    expect(Math.max(sheet.width, sheet.height)).toBeLessThanOrEqual(8192);
  });

  it('refuses nothing and pictures of several sizes', () => {
    expect(() => contactSheet([])).toThrow('at least one');
    expect(() => contactSheet([plain(1), plain(1, 4, 4)])).toThrow('one size');
  });
});

describe('encodeAnimation', () => {
  it.each(['webp', 'gif'] as const)('writes frames, times and repetition as %s', async (format) => {
    const file = await encodeAnimation([plain(0, 8, 8), plain(128, 8, 8, 4), plain(255, 8, 8)], {
      format,
      delayMs: 80,
    });
    const { pages, pageHeight, width, delay, loop } = await sharp(file, { animated: true }).metadata();
    expect({ pages, pageHeight, width, delay, loop }).toEqual({
      pages: 3,
      pageHeight: 8,
      width: 8,
      delay: [80, 80, 80],
      loop: 0,
    });
    const pixels = await sharp(file, { page: 1 }).removeAlpha().raw().toBuffer();
    for (const v of pixels) expect(Math.abs(v - 128)).toBeLessThanOrEqual(2);
  });

  it('refuses frames of several sizes', async () => {
    await expect(encodeAnimation([plain(0), plain(0, 5, 5)], { format: 'webp' })).rejects.toThrow('one size');
  });
});

import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import sharp, { type Sharp } from 'sharp';
import { afterAll, describe, expect, it } from 'vitest';
import { decodePicture } from '../../src/ts/image/decode.js';

const folder = mkdtempSync(join(tmpdir(), 'unclip-decode-'));
afterAll(() => rmSync(folder, { recursive: true }));

/** 3 wide, 2 high; colours that survive every conversion. */
const RGB = [255, 0, 0, 0, 255, 0, 0, 0, 255, 255, 255, 255, 0, 0, 0, 255, 255, 0];
const base = (): Sharp => sharp(Uint8Array.from(RGB), { raw: { width: 3, height: 2, channels: 3 } });
const refused = (message: string) =>
  expect.objectContaining({ code: 'INPUT_PICTURE_INVALID', message: expect.stringContaining(message) });

async function pixels(image: Sharp): Promise<number[]> {
  const { data, channels, width, height } = await decodePicture(await image.toBuffer());
  expect(channels).toBe(3);
  expect(data).toHaveLength(width * height * 3);
  return Array.from(data);
}

describe('decodePicture', () => {
  it('reads lossless formats to the bit', async () => {
    expect(await pixels(base().png())).toEqual(RGB);
    expect(await pixels(base().png({ palette: true }))).toEqual(RGB);
    expect(await pixels(base().webp({ lossless: true }))).toEqual(RGB);
    expect(await pixels(base().tiff({ compression: 'lzw' }))).toEqual(RGB);
    expect(await pixels(base().gif())).toEqual(RGB);
    expect(await pixels(base().toColourspace('rgb16').png())).toEqual(RGB);
    expect(await pixels(base().toColourspace('rgb16').tiff({ compression: 'lzw' }))).toEqual(RGB);
  });

  it('repeats grey, 8 and 16 bits deep', async () => {
    const grey = (space: string) =>
      sharp(Uint8Array.of(0, 128, 255), { raw: { width: 3, height: 1, channels: 1 } }).toColourspace(space);
    const expected = [0, 0, 0, 128, 128, 128, 255, 255, 255];
    expect(await pixels(grey('b-w').png())).toEqual(expected);
    const deep = await pixels(grey('grey16').png());
    expect(Math.max(...deep.map((value, i) => Math.abs(value - expected[i]!)))).toBeLessThanOrEqual(1);
  });

  it('reads CMYK and AVIF about right', async () => {
    for (const image of [
      base().resize(24, 16, { kernel: 'nearest' }).toColourspace('cmyk').jpeg(),
      base().resize(24, 16, { kernel: 'nearest' }).avif(),
    ]) {
      const red = (await pixels(image)).slice(0, 3);
      expect(red[0]).toBeGreaterThan(200);
      expect(Math.max(red[1]!, red[2]!)).toBeLessThan(70);
    }
  });

  it('drops alpha, or lays it on a background', async () => {
    const data = Uint8Array.of(10, 20, 30, 0);
    const png = await sharp(data, { raw: { width: 1, height: 1, channels: 4 } })
      .png()
      .toBuffer();
    expect(Array.from((await decodePicture(png)).data)).toEqual([10, 20, 30]);
    const onWhite = await decodePicture(png, { background: { r: 255, g: 255, b: 255 } });
    expect(Array.from(onWhite.data)).toEqual([255, 255, 255]);
  });

  it('turns pictures upright by their EXIF orientation', async () => {
    const png = await base().withMetadata({ orientation: 6 }).png().toBuffer();
    const picture = await decodePicture(png);
    expect(picture).toMatchObject({ width: 2, height: 3 });
    expect(Array.from(picture.data.subarray(3, 6))).toEqual(RGB.slice(0, 3));
  });

  it('reads files', async () => {
    const path = join(folder, 'a.png');
    writeFileSync(path, await base().png().toBuffer());
    expect(Array.from((await decodePicture(path)).data)).toEqual(RGB);
    await expect(decodePicture(join(folder, 'none.png'))).rejects.toThrow(refused('does not exist'));
    await expect(decodePicture(folder)).rejects.toThrow(refused('is a folder'));
  });

  it('refuses what is no picture, without decoding it', async () => {
    const svg = '<svg xmlns="http://www.w3.org/2000/svg" width="9" height="9"/>';
    for (const text of ['hello', svg, '%PDF-1.4']) {
      await expect(decodePicture(Buffer.from(text))).rejects.toThrow(refused('PNG, JPEG'));
    }
  });

  it('refuses damaged pictures', async () => {
    const png = await base().png().toBuffer();
    const jpeg = await base().resize(64, 64).jpeg().toBuffer();
    for (const damaged of [
      png.subarray(0, 40),
      jpeg.subarray(0, jpeg.length - 200),
      Buffer.concat([png.subarray(0, 8), Buffer.alloc(64)]),
    ]) {
      await expect(decodePicture(damaged)).rejects.toThrow(refused('cannot be decoded'));
    }
  });

  it('refuses a huge picture by its header', async () => {
    const png = await sharp({ create: { width: 9000, height: 8000, channels: 3, background: '#000' } })
      .png()
      .toBuffer();
    expect(png.length).toBeLessThan(400_000);
    await expect(decodePicture(png)).rejects.toThrow(refused('64 Mpx'));
  });
});

import { execFileSync } from 'node:child_process';
import { mkdtempSync, rmSync, truncateSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { Readable } from 'node:stream';
import { createDeflate, deflateSync } from 'node:zlib';
import fc from 'fast-check';
import sharp, { type Sharp } from 'sharp';
import { afterAll, describe, expect, it } from 'vitest';
import { ClipPreprocessor } from '../../src/ts/image/clip-preprocess.js';
import { decodePicture, readPictureHeader } from '../../src/ts/image/decode.js';
import { addPngTexts } from '../../src/ts/image/png-text.js';
import { atOnce } from '../../src/ts/util/sliced.js';

const folder = mkdtempSync(join(tmpdir(), 'unclip-hostile-'));
afterAll(() => rmSync(folder, { recursive: true }));

const refused = (message: string) =>
  expect.objectContaining({
    name: 'UnclipError',
    code: 'INPUT_PICTURE_INVALID',
    message: expect.stringMatching(new RegExp(`^[^\\n]*${message}[^\\n]*$`)),
  });

/** A drawing with edges, gradients and noise that is the same in every run. */
function drawing(width: number, height: number, channels: 3 | 4 = 3): Sharp {
  const data = new Uint8Array(width * height * channels);
  for (let i = 0; i < data.length; i++) data[i] = (i * 7 + Math.floor(i / width) * 3 + ((i * 2654435761) >>> 27)) & 255;
  return sharp(data, { raw: { width, height, channels } });
}

/** A PNG whose header declares any size; `idat` is what is deflated as its pixels. */
function pngOf(width: number, height: number, idat: Uint8Array): Buffer {
  const small = Buffer.alloc(25);
  small.writeUInt32BE(13, 0);
  small.write('IHDR', 4, 'latin1');
  small.writeUInt32BE(width, 8);
  small.writeUInt32BE(height, 12);
  small.set([8, 2, 0, 0, 0], 16);
  small.writeInt32BE(crc32(small.subarray(4, 21)), 21);
  const packed = deflateSync(idat);
  const body = Buffer.concat([Buffer.from('IDAT'), packed]);
  const chunk = Buffer.alloc(body.length + 8);
  chunk.writeUInt32BE(packed.length, 0);
  body.copy(chunk, 4);
  chunk.writeInt32BE(crc32(body), body.length + 4);
  const end = Buffer.from('0000000049454e44ae426082', 'hex');
  return Buffer.concat([Buffer.from('89504e470d0a1a0a', 'hex'), small, chunk, end]);
}

function crc32(bytes: Uint8Array): number {
  let c = -1;
  for (const byte of bytes) {
    c ^= byte;
    for (let bit = 0; bit < 8; bit++) c = c & 1 ? (c >>> 1) ^ 0xedb88320 : c >>> 1;
  }
  return ~c;
}

/** So many MiB of zeros, deflated without ever being held. */
async function zeros(megabytes: number): Promise<Buffer> {
  const deflate = createDeflate({ level: 1 });
  const parts = function* () {
    const part = Buffer.alloc(2 ** 20);
    for (let i = 0; i < megabytes; i++) yield part;
  };
  return Buffer.concat(await Readable.from(parts()).pipe(deflate).toArray());
}

/** Peak of this process's memory while something runs is what a bomb would raise. */
const memory = (): number => process.resourceUsage().maxRSS * 1024;

describe('pictures of every kind', () => {
  it('are upright whichever of the eight EXIF orientations they have', async () => {
    // A 3x2 picture of six distinct greys, and where each lies once it is upright (EXIF 2.32, 4.6.5.1.1).
    const rows: Record<number, string> = {
      1: 'abc/def',
      2: 'cba/fed',
      3: 'fed/cba',
      4: 'def/abc',
      5: 'ad/be/cf',
      6: 'da/eb/fc',
      7: 'fc/eb/da',
      8: 'cf/be/ad',
    };
    const stored = Uint8Array.from({ length: 18 }, (_, i) => Math.floor(i / 3) * 40);
    for (const [orientation, expected] of Object.entries(rows)) {
      const png = await sharp(stored, { raw: { width: 3, height: 2, channels: 3 } })
        .withMetadata({ orientation: Number(orientation) })
        .png()
        .toBuffer();
      const { width, height, data } = await decodePicture(png);
      const letters = Array.from({ length: height }, (_, y) =>
        Array.from({ length: width }, (_, x) => 'abcdef'[data[(y * width + x) * 3]! / 40]).join(''),
      ).join('/');
      expect(letters, `orientation ${orientation}`).toBe(expected);
    }
  });

  it('are the same interlaced, progressive, in palettes and with alpha', async () => {
    const raw = Array.from((await decodePicture(await drawing(33, 21).png().toBuffer())).data);
    const same = async (image: Sharp) => Array.from((await decodePicture(await image.toBuffer())).data);
    expect(await same(drawing(33, 21).png({ progressive: true }))).toEqual(raw);
    const plain = await same(drawing(33, 21).jpeg({ quality: 95 }));
    expect(await same(drawing(33, 21).jpeg({ quality: 95, progressive: true }))).toEqual(plain);
    const flat = sharp({
      create: { width: 5, height: 5, channels: 4, background: { r: 10, g: 20, b: 30, alpha: 0.5 } },
    });
    expect((await same(flat.clone().png({ palette: true }))).slice(0, 3)).toEqual([10, 20, 30]);
    const grey = await same(flat.clone().toColourspace('b-w').png());
    expect(new Set(grey).size).toBe(1);
  });

  it('of grey with alpha, 8 and 16 bits, become RGB', async () => {
    for (const space of ['b-w', 'grey16']) {
      const png = await sharp(Uint8Array.of(0, 0, 0, 255, 200, 200, 200, 9), {
        raw: { width: 2, height: 1, channels: 4 },
      })
        .toColourspace(space)
        .png()
        .toBuffer();
      const { channels, data } = await decodePicture(png);
      expect(channels).toBe(3);
      expect(data[3]).toBe(data[4]);
      expect(Math.abs(data[3]! - 200)).toBeLessThanOrEqual(1);
    }
  });

  it('that move show their first frame', async () => {
    const frames = await Promise.all(
      ['#ff0000', '#0000ff', '#00ff00'].map((background) =>
        sharp({ create: { width: 8, height: 8, channels: 3, background } })
          .png()
          .toBuffer(),
      ),
    );
    const animated = () => sharp(frames, { join: { animated: true } });
    for (const bytes of [await animated().gif().toBuffer(), await animated().webp({ lossless: true }).toBuffer()]) {
      const { width, height, data } = await decodePicture(bytes);
      expect([width, height, ...data.subarray(0, 3)]).toEqual([8, 8, 255, 0, 0]);
    }
  });

  it('have their colour profile applied', async () => {
    const red = sharp({ create: { width: 8, height: 8, channels: 3, background: '#c83214' } });
    const p3 = await red.clone().withIccProfile('p3').png().toBuffer();
    const stored = await sharp(p3, { ignoreIcc: true }).raw().toBuffer();
    const { data } = await decodePicture(p3);
    // Stored in Display P3 the numbers are others; read, they are those of sRGB again.
    expect(Math.abs(stored[0]! - 200)).toBeGreaterThan(8);
    for (const [c, value] of [200, 50, 20].entries()) expect(Math.abs(data[c]! - value)).toBeLessThanOrEqual(2);
  });

  it('of CMYK, and of one pixel, reach CLIP', async () => {
    const preprocessor = ClipPreprocessor.fromJson({ size: 56, crop_size: 56 });
    for (const bytes of [
      await drawing(24, 16).toColourspace('cmyk').jpeg().toBuffer(),
      await drawing(1, 1).png().toBuffer(),
      await drawing(300, 2).png().toBuffer(),
    ]) {
      const pixels = atOnce(preprocessor.apply(await decodePicture(bytes)));
      expect(pixels).toHaveLength(56 * 56 * 3);
      expect(pixels.every(Number.isFinite)).toBe(true);
    }
    expect(() =>
      atOnce(preprocessor.apply({ width: 1, height: 2000, channels: 3, data: new Uint8Array(6000) })),
    ).toThrow(refused('too narrow'));
  });
});

describe('pictures that are meant to harm', () => {
  it('are refused by what they declare, before any pixel', async () => {
    const before = memory();
    for (const [width, height] of [
      [20_000, 20_000],
      [2 ** 31 - 1, 1],
      [2 ** 30, 2 ** 30],
    ] as const) {
      const png = pngOf(width, height, new Uint8Array(1000));
      expect(png.length).toBeLessThan(1000);
      for (const read of [readPictureHeader, decodePicture])
        await expect(read(png)).rejects.toThrow(refused('64 Mpx|cannot be decoded'));
    }
    expect(memory() - before).toBeLessThan(150e6);
  });

  it('do not fill memory with text, profiles or more pixels than they declare', async () => {
    const small = await drawing(8, 8).png().toBuffer();
    const bomb = await zeros(256);
    const before = memory();
    const chunk = (type: string, head: string) => {
      const body = Buffer.concat([Buffer.from(type), Buffer.from(head, 'latin1'), bomb]);
      const out = Buffer.alloc(body.length + 8);
      out.writeUInt32BE(body.length - 4, 0);
      body.copy(out, 4);
      out.writeInt32BE(crc32(body), body.length + 4);
      return Buffer.concat([small.subarray(0, 33), out, small.subarray(33)]);
    };
    const outcomes = await Promise.all(
      [chunk('zTXt', 'Comment\0\0'), chunk('iCCP', 'profile\0\0'), pngOf(8, 8, Buffer.alloc(20e6))].map((png) =>
        decodePicture(png).catch((error: unknown) => error),
      ),
    );
    for (const outcome of outcomes)
      if (outcome instanceof Error) expect(outcome).toEqual(refused('cannot be decoded'));
      else expect(outcome).toMatchObject({ width: 8, height: 8 });
    expect(memory() - before).toBeLessThan(128e6);
  });

  it('are refused where they are no regular file, at once', async () => {
    const fifo = join(folder, 'fifo');
    execFileSync('mkfifo', [fifo]);
    await expect(decodePicture(fifo)).rejects.toThrow(refused('not a file'));
    await expect(decodePicture('/dev/zero')).rejects.toThrow(refused('not a file'));
    await expect(decodePicture(folder)).rejects.toThrow(refused('a folder'));
    await expect(decodePicture('a\0b')).rejects.toThrow(refused('cannot be read'));
    // Files of the system that have a size of 0 and never end, or an end that nobody knows.
    await expect(decodePicture('/proc/self/maps')).rejects.toThrow(refused('empty'));
  });

  it('are refused when they are empty or too large a file', async () => {
    const path = join(folder, 'empty.png');
    writeFileSync(path, '');
    await expect(decodePicture(path)).rejects.toThrow(refused('empty'));
    await expect(decodePicture(new Uint8Array(0))).rejects.toThrow(refused('empty'));
    truncateSync(path, 257 * 2 ** 20);
    await expect(readPictureHeader(path)).rejects.toThrow(refused('256 MiB'));
  });

  it('keep their texts when the texts are ours', async () => {
    const png = addPngTexts(await drawing(4, 4).png().toBuffer(), [['Title', 'x'.repeat(10_000)]]);
    expect(await decodePicture(png)).toMatchObject({ width: 4, height: 4 });
  });
});

describe('pictures with random damage', () => {
  it('give a picture or one clear error, in every format', async () => {
    const files = await Promise.all([
      drawing(40, 30).png().toBuffer(),
      drawing(40, 30).png({ progressive: true, palette: true }).toBuffer(),
      drawing(40, 30).jpeg().toBuffer(),
      drawing(40, 30).jpeg({ progressive: true }).toBuffer(),
      drawing(40, 30).webp().toBuffer(),
      drawing(40, 30, 4).webp({ lossless: true }).toBuffer(),
      drawing(40, 30).gif().toBuffer(),
      drawing(40, 30).tiff({ compression: 'lzw' }).toBuffer(),
      drawing(40, 30).tiff({ compression: 'deflate', tile: true }).toBuffer(),
      drawing(40, 30).avif({ effort: 0 }).toBuffer(),
    ]);
    const damage = fc.array(fc.tuple(fc.nat(), fc.nat(255)), { maxLength: 4 });
    await fc.assert(
      fc.asyncProperty(fc.constantFrom(...files), damage, fc.option(fc.nat()), async (file, flips, cut) => {
        const damaged = Buffer.from(cut === null ? file : file.subarray(0, cut % file.length));
        for (const [at, byte] of flips) if (damaged.length > 0) damaged[at % damaged.length] = byte;
        const outcome = await decodePicture(damaged).catch((error: unknown) => error);
        if (outcome instanceof Error) expect(outcome).toEqual(refused(''));
        else expect(outcome).toMatchObject({ channels: 3 });
      }),
      { numRuns: 800, seed: 20_261_126 },
    );
  });

  it('are refused at every length but the whole one, when they say how long they are', async () => {
    const png = await drawing(12, 9).png().toBuffer();
    // The last chunk, IEND, holds nothing that a decoder needs.
    for (let length = 0; length < png.length - 12; length += 7)
      await expect(decodePicture(png.subarray(0, length)), `${length} bytes`).rejects.toThrow(refused(''));
  });
});

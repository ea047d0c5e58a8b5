import { mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { crc32 } from 'node:zlib';
import sharp from 'sharp';
import { afterAll, describe, expect, it } from 'vitest';
import { decodePicture } from '../../src/ts/image/decode.js';
import { encodePicture, formatOfPath, PICTURE_FORMATS } from '../../src/ts/image/encode.js';
import { type PictureParameters, readPictureParameters } from '../../src/ts/image/parameters.js';
import { addPngTexts } from '../../src/ts/image/png-text.js';
import { writeFileAtomic } from '../../src/ts/util/write-file.js';

const folder = mkdtempSync(join(tmpdir(), 'unclip-encode-'));
afterAll(() => rmSync(folder, { recursive: true }));

const picture = {
  width: 16,
  height: 8,
  channels: 3 as const,
  data: Uint8Array.from({ length: 384 }, (_, i) => (i * 7) % 251),
};
const parameters: PictureParameters = {
  version: '0.1.0',
  model: 'bundled',
  modelHash: 'sha256:abc',
  prompt: 'a "red" cat & <two> dogs, 日本 🎨\nsecond line \u0000 ]]> é',
  seed: 4_294_967_296,
  steps: { prior: 25, decoder: 25 },
  guidance: { prior: 4, decoder: 8.5 },
  further: [1, 'x'],
};

describe('encodePicture', () => {
  it('keeps PNG pixels, RGB and RGBA', async () => {
    expect(Array.from((await decodePicture(await encodePicture(picture))).data)).toEqual(Array.from(picture.data));
    const rgba = { ...picture, channels: 4 as const, width: 12 };
    const { data, info } = await sharp(await encodePicture(rgba))
      .raw()
      .toBuffer({ resolveWithObject: true });
    expect(info.channels).toBe(4);
    expect(Array.from(data)).toEqual(Array.from(picture.data));
  });

  it('gives the same bytes for the same picture', async () => {
    for (const format of PICTURE_FORMATS) {
      const options = { format, parameters };
      expect(await encodePicture(picture, options)).toEqual(await encodePicture(picture, options));
    }
  });

  it('lays transparent parts of a JPEG on white', async () => {
    const jpeg = await encodePicture(
      { width: 8, height: 8, channels: 4, data: new Uint8Array(256) },
      { format: 'jpeg' },
    );
    expect(Array.from((await decodePicture(jpeg)).data.subarray(0, 3))).toEqual([255, 255, 255]);
  });

  it('refuses wrong data and quality', async () => {
    await expect(encodePicture({ ...picture, width: 15 })).rejects.toThrow(
      expect.objectContaining({ code: 'INPUT_PICTURE_INVALID' }),
    );
    for (const quality of [0, 101, 1.5]) {
      await expect(encodePicture(picture, { quality })).rejects.toThrow(
        expect.objectContaining({ code: 'INPUT_INVALID' }),
      );
    }
  });

  it('knows formats by file names', () => {
    expect(['a.PNG', 'b/c.jpg', 'd.jpeg', 'e.webp', 'f.tiff', 'png'].map(formatOfPath)).toEqual([
      'png',
      'jpeg',
      'jpeg',
      'webp',
      undefined,
      undefined,
    ]);
  });
});

describe('picture parameters', () => {
  it.each(PICTURE_FORMATS)('are read back from %s', async (format) => {
    const path = join(folder, `a.${format}`);
    await writeFileAtomic(path, await encodePicture(picture, { format, parameters }));
    expect(await readPictureParameters(path)).toEqual(parameters);
    expect(await decodePicture(path)).toMatchObject({ width: 16, height: 8 });
  });

  it.each(PICTURE_FORMATS)('of a long prompt are cut to 8000 characters in %s', async (format) => {
    const path = join(folder, `long.${format}`);
    writeFileSync(
      path,
      await encodePicture(picture, { format, parameters: { ...parameters, prompt: '&\u0001日'.repeat(100_000) } }),
    );
    expect((await readPictureParameters(path))?.prompt).toHaveLength(8000);
  });

  it('are also there for people', async () => {
    const { comments } = await sharp(await encodePicture(picture, { parameters })).metadata();
    const text = (keyword: string) => comments?.find((comment) => comment.keyword === keyword)?.text;
    expect(text('Title')).toContain('a "red" cat');
    expect(text('Description')).toBe(
      'model bundled; seed 4294967296; steps: prior 25, decoder 25; guidance: prior 4, decoder 8.5',
    );
    expect(text('Software')).toBe('unclip 0.1.0');
  });

  it('are undefined where there are none, and damaged ones do no harm', async () => {
    const path = join(folder, 'b.png');
    const png = await encodePicture(picture);
    writeFileSync(path, png);
    expect(await readPictureParameters(path)).toBeUndefined();
    for (const json of ['{', '[]', '{"version": 1}', 'null']) {
      writeFileSync(path, addPngTexts(png, [['unclip', json]]));
      expect(await readPictureParameters(path)).toBeUndefined();
    }
    writeFileSync(path, 'no picture');
    await expect(readPictureParameters(path)).rejects.toThrow(
      expect.objectContaining({ code: 'INPUT_PICTURE_INVALID' }),
    );
    await expect(readPictureParameters(join(folder, 'none.png'))).rejects.toThrow(
      expect.objectContaining({ code: 'INPUT_PICTURE_INVALID' }),
    );
  });
});

describe('addPngTexts', () => {
  it('writes chunks with right lengths and checksums', async () => {
    const png = addPngTexts(await encodePicture(picture), [['Title', 'é']]);
    const chunk = png.subarray(33, 33 + 12 + 12);
    expect(chunk.readUInt32BE(0)).toBe(12);
    expect(chunk.toString('latin1', 4, 13)).toBe('iTXtTitle');
    expect(chunk.readUInt32BE(20)).toBe(crc32(chunk.subarray(4, 20)));
  });

  it('refuses what is no PNG', () => {
    expect(() => addPngTexts(Buffer.alloc(50), [])).toThrow(expect.objectContaining({ code: 'INPUT_PICTURE_INVALID' }));
  });
});

describe('writeFileAtomic', () => {
  it('replaces a file and leaves nothing else', async () => {
    const inside = mkdtempSync(join(folder, 'atomic-'));
    const path = join(inside, 'x.bin');
    await writeFileAtomic(path, Uint8Array.of(1));
    await writeFileAtomic(path, Uint8Array.of(2, 3));
    expect(Array.from(readFileSync(path))).toEqual([2, 3]);
    expect(readdirSync(inside)).toEqual(['x.bin']);
  });

  it('names what is wrong and leaves nothing behind', async () => {
    const inside = mkdtempSync(join(folder, 'failed-'));
    const failed = (part: string) =>
      expect.objectContaining({ code: 'IO_FAILED', message: expect.stringContaining(part) });
    await expect(writeFileAtomic(join(inside, 'none', 'x'), Uint8Array.of(1))).rejects.toThrow(
      failed('folder does not exist'),
    );
    await expect(writeFileAtomic(inside, Uint8Array.of(1))).rejects.toThrow(failed(inside));
    expect(readdirSync(inside)).toEqual([]);
    expect(readdirSync(folder).filter((name) => name.endsWith('.tmp'))).toEqual([]);
  });
});

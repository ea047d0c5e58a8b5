import { fileURLToPath } from 'node:url';
import { describe, expect, it } from 'vitest';
import { decodePicture } from '../../src/ts/image/decode.js';
import { fitPicture } from '../../src/ts/image/fit-picture.js';
import type { Picture } from '../../src/ts/image/picture.js';
import { atOnce } from '../../src/ts/util/sliced.js';
import { readSafetensors } from '../support/safetensors.js';
import { channelsLast } from '../support/shapes.js';

const fixture = (name: string): string => fileURLToPath(new URL(`../fixtures/dvae-small/${name}`, import.meta.url));
const golden = readSafetensors(fixture('golden.safetensors'));

const blank = (width: number, height: number): Picture => ({
  width,
  height,
  channels: 3,
  data: new Uint8Array(width * height * 3).fill(77),
});

describe('fitPicture', () => {
  it.each(['a', 'b'])("resizes and cuts picture %s to torchvision's bytes", async (name) => {
    const fitted = atOnce(fitPicture(await decodePicture(fixture(`images/${name}.png`)), 64, 'square', 8));
    const stored = channelsLast(golden.f32(`${name}.image01`), [1, 3, 64, 64]);
    expect([...fitted.data]).toEqual(Array.from(stored, (v) => Math.round(v * 255)));
  });

  it.each([
    [[300, 200], 'square', [64, 64]],
    [[300, 200], 'whole', [96, 64]],
    [[200, 300], 'whole', [64, 96]],
    [[100, 64], 'whole', [96, 64]],
    [[1, 1], 'whole', [64, 64]],
    [[8, 1], 'whole', [512, 64]],
    [[64, 64], 'square', [64, 64]],
  ] as const)('%s fitted %s is %s', ([width, height], fit, [outWidth, outHeight]) => {
    const fitted = atOnce(fitPicture(blank(width, height), 64, fit, 8));
    expect([fitted.width, fitted.height]).toEqual([outWidth, outHeight]);
    expect(fitted.data).toEqual(blank(outWidth, outHeight).data);
  });

  it('refuses what is too long before memory is taken for it', () => {
    expect(() => atOnce(fitPicture(blank(9, 1), 1024, 'square', 8))).toThrow(
      expect.objectContaining({ code: 'INPUT_PICTURE_INVALID', message: expect.stringContaining('9x1') }),
    );
  });
});

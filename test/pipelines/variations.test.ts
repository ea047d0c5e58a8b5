import { mkdtempSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { middleSquare } from '../../src/ts/image/square.js';
import { type DrawResult, type Picture, Unclip, UnclipError } from '../../src/ts/index.js';
import { textDirection } from '../../src/ts/pipelines/variation/steer.js';
import { packageRoot } from '../../src/ts/util/package-root.js';
import { atOnce } from '../../src/ts/util/sliced.js';
import { makeTinyModel } from '../support/tiny-model.js';

const BUNDLED = join(packageRoot(), 'models', 'bundled');
const folder = mkdtempSync(join(tmpdir(), 'unclip-variations-'));
const QUICK = { decoderSteps: 3, superResSteps: 2, seed: 5 } as const;

let alone: Unclip;
let together: Unclip;
let picture: Picture;

beforeAll(async () => {
  makeTinyModel(folder, { pictures: 'also' });
  alone = await Unclip.load(folder, { dtype: 'f32', batchSize: 1 });
  together = await Unclip.load(folder, { dtype: 'f32', batchSize: 3 });
  picture = await heldOutRender();
});
afterAll(async () => {
  await alone?.dispose();
  await together?.dispose();
});

/** A picture of the bundled model's world that is in no training data. */
async function heldOutRender(): Promise<Picture> {
  const [sample, raster] = ['sample', 'raster'].map((name) => join(packageRoot(), 'training', 'world', `${name}.mjs`));
  const { sampleScene } = await import(sample!);
  const { rasterise } = await import(raster!);
  const { scene } = sampleScene(7_000_001, true, { styles: ['flat'], relationShare: 0, captionsPerPicture: 1 });
  return { width: 256, height: 256, channels: 3, data: new Uint8Array(await rasterise(scene, 7_000_001)) };
}

const bits = ({ images }: DrawResult): string[] => images.map(({ data }) => Buffer.from(data).toString('base64'));

/** Peak signal-to-noise ratio of RGB, dB. */
function psnr(a: Picture, b: Picture): number {
  const [x, y] = [atOnce(middleSquare(a, a.width)), atOnce(middleSquare(b, b.width))];
  const mean = x.data.reduce((sum, v, i) => sum + (v - y.data[i]!) ** 2, 0) / x.data.length;
  return 10 * Math.log10(255 ** 2 / mean);
}

describe('vary', () => {
  it('gives the same pictures at any batch size, to the bit, and tells each as it is done', async () => {
    for (const strength of [undefined, 0.4]) {
      const told: number[] = [];
      const request = { picture, n: 3, strength, ...QUICK };
      const expected = bits(await alone.vary({ ...request, onImage: (_, index) => void told.push(index) }));
      expect(told).toEqual([0, 1, 2]);
      expect(new Set(expected).size).toBe(3);
      expect(bits(await together.vary(request))).toEqual(expected);
      expect(bits(await together.vary({ ...request, n: 1, seed: 7 }))).toEqual([expected[2]]);
    }
  });

  it('gives the picture back at strength 0, and moves away from there', async () => {
    const bundled = await Unclip.load(BUNDLED, { dtype: 'f32', batchSize: 1 });
    const request = { picture, ...QUICK, decoderSteps: 12 };
    const stages = new Set<string>();
    const at = async (strength: number): Promise<Picture> => {
      const { images } = await bundled.vary({
        ...request,
        strength,
        onProgress: ({ stage }) => void stages.add(stage),
      });
      expect(images[0]!.parameters).toMatchObject({ operation: 'vary', strength, seed: 5 });
      const { width, height, data } = images[0]!;
      return { width, height, channels: 4, data };
    };
    try {
      const [back, near, far] = [await at(0), await at(0.2), await at(0.8)].map((drawn) => psnr(drawn, picture));
      // Measured: see README; what CLIP alone keeps of a picture gives some 15 dB.
      expect(back).toBeGreaterThan(30);
      expect(near).toBeLessThan(back! - 1);
      expect(far).toBeLessThan(near! - 1);
      expect([...stages]).toContain('inversion');
    } finally {
      await bundled.dispose();
    }
  });

  it('stops within a step of the inversion', async () => {
    const controller = new AbortController();
    let steps = 0;
    const request = { picture, ...QUICK, strength: 0, signal: controller.signal };
    const onProgress = ({ stage }: { stage: string }): void => {
      if (stage === 'inversion' && ++steps === 2) controller.abort();
    };
    await expect(alone.vary({ ...request, onProgress })).rejects.toThrow(
      expect.objectContaining({ code: 'CANCELLED' }),
    );
    expect(steps).toBe(2);
  });

  it.each([
    ['strength is 1.5', { strength: 1.5 }],
    ['strength is NaN', { strength: Number.NaN }],
    ['sampler, spacing and eta are set', { strength: 0.5, sampler: 'euler' as const }],
    ['n is 0', { n: 0 }],
    ['does not exist', { picture: '/nowhere/at/all.png' }],
  ])('refuses what cannot be: %s', async (message, bad) => {
    await expect(alone.vary({ picture, ...QUICK, ...bad })).rejects.toThrow(message);
  });
});

describe('blend', () => {
  it('goes from part to part, in any batch size, by way of x_T when asked', async () => {
    const parts = [{ picture }, { prompt: 'a red ball on the grass' }, { picture }];
    const request = { parts, frames: 5, ...QUICK, priorSteps: 2 };
    const free = await alone.blend(request);
    expect(bits(free)[4]).toBe(bits(free)[0]);
    expect(new Set(bits(free)).size).toBe(3);
    expect(free.images.map((image) => image.parameters.seed)).toEqual([5, 5, 5, 5, 5]);
    expect(bits(await together.blend(request))).toEqual(bits(free));
    const inverted = await alone.blend({ ...request, invert: true });
    expect(bits(await together.blend({ ...request, invert: true }))).toEqual(bits(inverted));
    expect(bits(inverted)[4]).toBe(bits(inverted)[0]);
    expect(new Set(bits(inverted)).size).toBeGreaterThan(2);
  });

  it.each([
    ['at least two', { parts: [{ prompt: 'a ball' }] }],
    ['frames is 1', { frames: 1 }],
    ['either', { parts: [{ prompt: 'a' }, {} as { prompt: string }] }],
  ])('refuses what cannot be: %s', async (message, bad) => {
    const request = { parts: [{ prompt: 'a ball' }, { prompt: 'a car' }], ...QUICK, ...bad };
    await expect(alone.blend(request)).rejects.toThrow(message);
  });
});

describe('steer', () => {
  it('begins with the picture and moves away by one direction', async () => {
    const request = { picture, from: 'a blue car', to: 'a red car', frames: 3, ...QUICK };
    const frames = await alone.steer(request);
    expect(bits(await together.steer(request))).toEqual(bits(frames));
    expect(new Set(bits(frames)).size).toBe(3);
    expect(bits(frames)[0]).toEqual(bits(await alone.steer({ ...request, amount: 0, frames: 2 }))[0]);
    expect(frames.images.map(({ parameters }) => parameters.amount)).toEqual([0, 0.15, 0.3]);
  });

  it('has a direction of length 1, whatever the texts’ lengths, and none between equal texts', () => {
    const d = textDirection(Float32Array.of(3, 0), Float32Array.of(0, 0.5));
    expect([...d]).toEqual([-Math.SQRT1_2, Math.SQRT1_2].map(Math.fround));
    expect(() => textDirection(Float32Array.of(1, 2), Float32Array.of(2, 4))).toThrow(UnclipError);
  });

  it('refuses an amount beyond the direction', async () => {
    await expect(alone.steer({ picture, from: 'a', to: 'b', amount: 2 })).rejects.toThrow('amount is 2');
  });
});

describe('a model without a prior', () => {
  it('varies and steers pictures, and says what it cannot do', async () => {
    const other = mkdtempSync(join(tmpdir(), 'unclip-variations-'));
    makeTinyModel(other, { pictures: 'only' });
    const unclip = await Unclip.load(other, { dtype: 'f32' });
    try {
      const { images } = await unclip.vary({ picture, ...QUICK });
      expect([images[0]!.width, images[0]!.parameters.steps]).toEqual([32, { decoder: 3, superRes: 2 }]);
      const parts = [{ picture }, { prompt: 'a car' }];
      await expect(unclip.blend({ parts, ...QUICK })).rejects.toThrow('has no prior');
    } finally {
      await unclip.dispose();
    }
  });
});

import { join } from 'node:path';
import sharp from 'sharp';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import type { Picture } from '../../src/ts/image/picture.js';
import { type EditRequest, Unclip, UnclipError } from '../../src/ts/index.js';

const MODEL = join(import.meta.dirname, '..', 'fixtures', 'unclip-t2i', 'model');
const QUICK = {
  prompt: 'a red panda',
  seed: 5,
  priorSteps: 2,
  decoderSteps: 3,
  superResSteps: 2,
  resample: 2,
  jump: 1,
};

let alone: Unclip;
let together: Unclip;
beforeAll(async () => {
  alone = await Unclip.load(MODEL, { dtype: 'f32', batchSize: 1 });
  together = await Unclip.load(MODEL, { dtype: 'f32', batchSize: 3 });
});
afterAll(async () => {
  await alone?.dispose();
  await together?.dispose();
});

/** A picture that is smooth nowhere: nothing that is resampled comes back equal by chance. */
const noisy = (width: number, height: number, channels: 3 | 4 = 3): Picture => ({
  width,
  height,
  channels,
  data: Uint8Array.from({ length: width * height * channels }, (_, i) =>
    channels === 4 && i % 4 === 3 ? 255 : (i * 7919) % 251,
  ),
});

/** White, with a black box. */
function boxMask(width: number, height: number, left: number, top: number, right: number, bottom: number): Picture {
  const inside = (x: number, y: number) => x >= left && x < right && y >= top && y < bottom;
  const value = (i: number) => (inside(i % width, Math.floor(i / width)) ? 0 : 255);
  return {
    width,
    height,
    channels: 3,
    data: Uint8Array.from({ length: width * height * 3 }, (_, i) => value(Math.floor(i / 3))),
  };
}

/** Pixels of the result that differ from the picture where the mask is white, and where it is black. */
function differences(picture: Picture, mask: Picture, data: Uint8Array): { outside: number; inside: number } {
  const counts = { outside: 0, inside: 0 };
  for (let i = 0; i < picture.width * picture.height; i++) {
    const differs = [0, 1, 2].some((c) => data[4 * i + c] !== picture.data[picture.channels * i + c]);
    if (differs) counts[mask.data[3 * i] === 0 ? 'inside' : 'outside']++;
  }
  return counts;
}

const refusal = (request: Partial<EditRequest>): Promise<string> =>
  alone.edit({ ...QUICK, picture: noisy(64, 64), ...request }).then(
    () => 'drawn',
    (error: unknown) => (error instanceof UnclipError ? `${error.code} ${error.message}` : String(error)),
  );

describe('Unclip.edit', () => {
  it.each([
    ["the model's own size", 64, 64, boxMask(64, 64, 16, 20, 48, 50), 'whole'],
    ['smaller than the model', 33, 21, boxMask(33, 21, 4, 4, 12, 13), 'window'],
    ['neither square nor of a round size', 150, 101, boxMask(150, 101, 90, 30, 121, 66), 'window'],
    ['wide, a mask over its height', 90, 60, boxMask(90, 60, 20, 0, 50, 60), 'window'],
    ['wide, most of it masked', 90, 60, boxMask(90, 60, 10, 0, 90, 60), 'whole'],
    ['a strip, in tiles', 200, 40, boxMask(200, 40, 50, 0, 200, 40), 'tiles'],
  ] as const)('leaves what lies outside the mask as it is, to the bit: %s', async (_, width, height, mask, kind) => {
    const picture = noisy(width, height);
    const { images, placement, notes } = await alone.edit({ ...QUICK, picture, mask });
    expect([images[0]!.width, images[0]!.height, placement.kind]).toEqual([width, height, kind]);
    const { outside, inside } = differences(picture, mask, images[0]!.data);
    expect(outside).toBe(0);
    expect(inside).toBeGreaterThan((0.8 * mask.data.filter((v) => v === 0).length) / 3);
    expect(notes.at(-1)).toMatch(/^drawn /);
  });

  it('draws the same whatever the batch, and another picture for another seed', async () => {
    const request = { ...QUICK, picture: noisy(80, 64), mask: boxMask(80, 64, 20, 20, 60, 50), n: 3 };
    const datas = async (unclip: Unclip) => (await unclip.edit(request)).images.map(({ data }) => Buffer.from(data));
    const one = await datas(alone);
    expect(await datas(together)).toEqual(one);
    expect(new Set(one.map((data) => data.toString('base64'))).size).toBe(3);
  });

  it('does not see what the mask covers', async () => {
    const [picture, other] = [noisy(64, 64), noisy(64, 64)];
    const mask = boxMask(64, 64, 10, 10, 40, 40);
    for (let i = 0; i < other.data.length; i++) if (mask.data[i] === 0) other.data[i] = 255 - other.data[i]!;
    const [a, b] = [
      await alone.edit({ ...QUICK, picture, mask }),
      await alone.edit({ ...QUICK, picture: other, mask }),
    ];
    expect(Buffer.from(a.images[0]!.data)).toEqual(Buffer.from(b.images[0]!.data));
  });

  it("takes a file's own transparent region, or a mask's, or its black", async () => {
    const data = Buffer.from(noisy(64, 64, 4).data);
    for (let y = 10; y < 40; y++) for (let x = 10; x < 40; x++) data[4 * (64 * y + x) + 3] = 0;
    const raw = { width: 64, height: 64, channels: 4 as const };
    const holed = await sharp(data, { raw }).png().toBuffer();
    const own = await alone.edit({ ...QUICK, picture: holed });
    expect(own.notes[0]).toContain('transparent region');
    const picture = await sharp(data, { raw }).removeAlpha().png().toBuffer();
    const byAlpha = await alone.edit({ ...QUICK, picture, mask: holed });
    const byBlack = await alone.edit({ ...QUICK, picture, mask: boxMask(64, 64, 10, 10, 40, 40) });
    expect(Buffer.from(byAlpha.images[0]!.data)).toEqual(Buffer.from(own.images[0]!.data));
    expect(Buffer.from(byBlack.images[0]!.data)).toEqual(Buffer.from(own.images[0]!.data));
  });

  it('outpaints: a larger canvas with the picture in it, to the bit', async () => {
    const picture = noisy(50, 40);
    const { images } = await alone.edit({ ...QUICK, picture, outpaint: { left: 14, bottom: 6 } });
    const { width, height, data } = images[0]!;
    expect([width, height]).toEqual([64, 46]);
    for (let y = 0; y < 40; y++)
      for (let x = 0; x < 50; x++) {
        const at = 4 * (y * 64 + x + 14);
        expect([...data.subarray(at, at + 3)]).toEqual([
          ...picture.data.subarray(3 * (50 * y + x), 3 * (50 * y + x) + 3),
        ]);
      }
  });

  it('draws a new picture, and says so, where the mask covers everything', async () => {
    // By default an edit's prior is guided more than that of a picture from nothing.
    const request = { ...QUICK, priorGuidanceScale: 4 };
    const mask = boxMask(64, 64, 0, 0, 64, 64);
    const { images, notes } = await alone.edit({ ...request, picture: noisy(64, 64), mask });
    expect(notes[0]).toContain('covers the whole picture');
    const { images: plain } = await alone.generate(request);
    expect(Buffer.from(images[0]!.data)).toEqual(Buffer.from(plain[0]!.data));
  });

  it('tells every step, repeats included, and writes what was done into the picture', async () => {
    const told: string[] = [];
    const { images } = await alone.edit({
      ...QUICK,
      picture: noisy(64, 64),
      mask: boxMask(64, 64, 10, 10, 50, 50),
      onProgress: ({ stage, step, steps }) => void told.push(`${stage} ${step}/${steps}`),
    });
    expect(told.filter((t) => t.startsWith('decoder'))).toEqual([1, 2, 3, 4, 5].map((k) => `decoder ${k}/5`));
    expect(told.filter((t) => t.startsWith('superRes'))).toHaveLength(2);
    expect(images[0]!.parameters).toMatchObject({ seed: 5, edit: { resample: 2, jump: 1, kind: 'whole' } });
  });

  it('stops within one step when it is cancelled, and draws on afterwards', async () => {
    const controller = new AbortController();
    const request = { ...QUICK, picture: noisy(64, 64), mask: boxMask(64, 64, 10, 10, 50, 50) };
    let steps = 0;
    const cancelled = alone.edit({
      ...request,
      decoderSteps: 20,
      signal: controller.signal,
      onProgress: ({ stage }) => {
        if (stage !== 'decoder') return;
        if (++steps === 2) controller.abort();
      },
    });
    await expect(cancelled).rejects.toMatchObject({ code: 'CANCELLED' });
    expect(steps).toBe(2);
    expect((await alone.edit(request)).images).toHaveLength(1);
  });

  it('refuses what cannot be drawn', async () => {
    const mask = boxMask(64, 64, 0, 0, 0, 0);
    expect(await refusal({})).toMatch(/^INPUT_INVALID nothing is to be drawn/);
    expect(await refusal({ mask })).toMatch(/^INPUT_INVALID the mask selects nothing/);
    expect(await refusal({ mask: boxMask(64, 63, 0, 0, 9, 9) })).toMatch(/^INPUT_INVALID the mask has 64x63 pixels/);
    expect(await refusal({ invertMask: true })).toMatch(/^INPUT_INVALID invertMask needs a mask/);
    expect(await refusal({ mask, outpaint: { left: -1 } })).toMatch(/^INPUT_INVALID outpaint left is -1/);
    expect(await refusal({ outpaint: { left: 1e7 } })).toMatch(/^INPUT_TOO_LARGE/);
    expect(await refusal({ outpaint: { up: 3 } as object })).toMatch(/^INPUT_INVALID outpaint has no side 'up'/);
    expect(await refusal({ mask, resample: 0 })).toMatch(/^INPUT_INVALID resample is 0/);
    expect(await refusal({ mask, feather: Number.NaN })).toMatch(/^INPUT_INVALID feather is NaN/);
    expect(await refusal({ picture: new Uint8Array(9) })).toMatch(/^INPUT_PICTURE_INVALID/);
    expect(await refusal({ mask: join(MODEL, 'none.png') })).toMatch(
      /^INPUT_PICTURE_INVALID .*none.png does not exist/,
    );
    const strip = { picture: noisy(1000, 4), mask: boxMask(1000, 4, 0, 0, 1000, 4) };
    expect(await refusal(strip)).toMatch(/^INPUT_TOO_LARGE .* 499 windows/);
    expect(
      await refusal({ ...strip, picture: noisy(1000, 1000), mask: undefined, outpaint: { top: 1 }, n: 2000 }),
    ).toMatch(/^INPUT_TOO_LARGE 2000 pictures of 1000x1001 take over 4 GiB/);
  });
});

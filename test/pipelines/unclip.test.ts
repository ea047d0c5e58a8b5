import { join } from 'node:path';
import { afterAll, describe, expect, it } from 'vitest';
import { type GenerateRequest, Unclip, UnclipError } from '../../src/ts/index.js';

const MODEL = join(import.meta.dirname, '..', 'fixtures', 'unclip-t2i', 'model');
const QUICK = { priorSteps: 2, decoderSteps: 3, superResSteps: 2 } as const;
const REQUEST: GenerateRequest = { prompt: 'a red panda', seed: 5, ...QUICK };

const loaded: Unclip[] = [];
const load = async (options: Parameters<typeof Unclip.load>[1] = {}): Promise<Unclip> => {
  const unclip = await Unclip.load(MODEL, { dtype: 'f32', ...options });
  loaded.push(unclip);
  return unclip;
};
afterAll(async () => {
  for (const unclip of loaded) await unclip.dispose();
});

const pixels = async (unclip: Unclip, request: GenerateRequest): Promise<string[]> =>
  (await unclip.generate(request)).images.map((image) => Buffer.from(image.data).toString('base64'));

const codeOf = (promise: Promise<unknown>): Promise<string | undefined> =>
  promise.then(
    () => undefined,
    (error: unknown) => (error instanceof UnclipError ? error.code : String(error)),
  );

describe('Unclip.generate', () => {
  it('gives the same picture, to the bit, at any batch size, in any company, again and again', async () => {
    const alone = await load({ batchSize: 1 });
    const together = await load({ batchSize: 4 });
    const expected = await pixels(alone, { ...REQUEST, n: 5 });
    expect(new Set(expected).size).toBe(5);
    expect(await pixels(together, { ...REQUEST, n: 5 })).toEqual(expected);
    expect(await pixels(together, { ...REQUEST, seed: 7, n: 1 })).toEqual([expected[2]]);
    expect(await pixels(alone, { ...REQUEST, n: 5 })).toEqual(expected);
  });

  it('does not depend on how much of the weights fits at once', async () => {
    const roomy = await load();
    const tight = await load({ weightBudgetBytes: 4_400_000 });
    expect(await pixels(tight, REQUEST)).toEqual(await pixels(roomy, REQUEST));
    expect(tight.runtime.residency.bytes).toBeLessThanOrEqual(4_400_000);
    expect(roomy.runtime.residency.bytes).toBeGreaterThan(4_400_000);
  });

  it('says so when one network alone exceeds the weight budget', async () => {
    const unclip = await load({ weightBudgetBytes: 1_000_000 });
    expect(await codeOf(unclip.generate(REQUEST))).toBe('GPU_OUT_OF_MEMORY');
  });

  it('has one arena of the size of the largest network', async () => {
    const unclip = await load();
    await unclip.generate(REQUEST);
    const before = unclip.runtime.arena.generation;
    await unclip.generate({ ...REQUEST, seed: 6 });
    expect(unclip.runtime.arena.generation).toBe(before);
  });

  it('tells every step, with previews in the picture stages', async () => {
    const unclip = await load();
    const told: string[] = [];
    let previews = 0;
    await unclip.generate({
      ...REQUEST,
      onProgress: async (p) => {
        told.push(`${p.stage} ${p.step}/${p.steps}`);
        const pictures = await p.preview?.();
        if (pictures === undefined) return;
        previews++;
        expect(pictures).toHaveLength(1);
        const { width, height, data } = pictures[0]!;
        expect(data).toHaveLength(width * height * 3);
        expect(width).toBe(p.stage === 'decoder' ? 16 : 64);
      },
    });
    expect(told).toEqual([
      'load 1/1',
      'text 1/1',
      'prior 1/2',
      'prior 2/2',
      'decoder 1/3',
      'decoder 2/3',
      'decoder 3/3',
      'superRes 1/2',
      'superRes 2/2',
    ]);
    expect(previews).toBe(5);
  });

  it('stops within one step when it is cancelled, and draws on afterwards', async () => {
    const unclip = await load();
    const controller = new AbortController();
    let steps = 0;
    const cancelled = unclip.generate({
      ...REQUEST,
      decoderSteps: 20,
      signal: controller.signal,
      onProgress: (p) => {
        if (p.stage !== 'decoder') return;
        steps++;
        if (p.step === 2) controller.abort();
      },
    });
    expect(await codeOf(cancelled)).toBe('CANCELLED');
    expect(steps).toBe(2);
    expect((await unclip.generate(REQUEST)).images).toHaveLength(1);
  });

  it('queues requests made at once', async () => {
    const unclip = await load();
    const [a, b] = await Promise.all([pixels(unclip, REQUEST), pixels(unclip, { ...REQUEST, seed: 9 })]);
    expect(await pixels(unclip, REQUEST)).toEqual(a);
    expect(await pixels(unclip, { ...REQUEST, seed: 9 })).toEqual(b);
  });

  it('writes what made the picture into it', async () => {
    const unclip = await load();
    const { images } = await unclip.generate(REQUEST);
    expect(images[0]!.parameters).toMatchObject({
      prompt: 'a red panda',
      seed: 5,
      steps: { prior: 2, decoder: 3, superRes: 2 },
      guidance: { prior: 4, decoder: 8 },
      modelHash: unclip.model.hash,
      dtype: 'f32',
    });
  });

  it.each<[string, Partial<GenerateRequest>]>([
    ['n is 0', { n: 0 }],
    ['n is 1.5', { n: 1.5 }],
    ['decoderSteps is -3', { decoderSteps: -3 }],
    ['superResSteps is 1', { superResSteps: 1 }],
    ['priorGuidanceScale is NaN', { priorGuidanceScale: Number.NaN }],
    ['seed is -1', { seed: -1 }],
    ['over 10 MB', { prompt: 'x'.repeat(11 * 2 ** 20) }],
    ['prompt is a number', { prompt: 7 as unknown as string }],
  ])('refuses a request before it allocates anything: %s', async (message, bad) => {
    const unclip = await load();
    await expect(unclip.generate({ ...REQUEST, ...bad })).rejects.toThrow(message);
    expect(unclip.runtime.arena.bytes).toBe(0);
  });

  it('refuses requests after dispose, and dispose twice is fine', async () => {
    const unclip = await Unclip.load(MODEL);
    await unclip.dispose();
    await unclip.dispose();
    expect(await codeOf(unclip.generate(REQUEST))).toBe('INPUT_INVALID');
  });
});

describe('Unclip.load', () => {
  it('names a folder that is not there', async () => {
    expect(await codeOf(Unclip.load('/nowhere/at/all'))).toBe('MODEL_NOT_FOUND');
  });

  it('refuses a batch size of 0', async () => {
    expect(await codeOf(Unclip.load(MODEL, { batchSize: 0 }))).toBe('INPUT_INVALID');
  });
});

import { join } from 'node:path';
import { afterAll, describe, expect, it } from 'vitest';
import { type GenerateRequest, type LoadOptions, Unclip } from '../../src/ts/index.js';
import { loadUnclipModel } from '../../src/ts/models/model-index.js';
import { memoryReport } from '../../src/ts/pipelines/memory-report.js';

const MODEL = join(import.meta.dirname, '..', 'fixtures', 'unclip-t2i', 'model');
const REQUEST: GenerateRequest = { prompt: 'a red panda', seed: 5, priorSteps: 2, decoderSteps: 3, superResSteps: 2 };

const loaded: Unclip[] = [];
const load = async (options: LoadOptions): Promise<Unclip> => {
  const unclip = await Unclip.load(MODEL, { dtype: 'f32', ...options });
  loaded.push(unclip);
  return unclip;
};
afterAll(async () => {
  for (const unclip of loaded) await unclip.dispose();
});

const pixels = async (unclip: Unclip, request: GenerateRequest): Promise<Uint8Array[]> =>
  (await unclip.generate(request)).images.map((image) => image.data);

describe('weights in 8 bits', () => {
  it('draw the same picture at any batch size and any weight budget, and say what drew it', async () => {
    const alone = await load({ weights: 'q8', batchSize: 1 });
    const expected = await pixels(alone, { ...REQUEST, n: 3 });
    expect(await pixels(await load({ weights: 'q8', batchSize: 3 }), { ...REQUEST, n: 3 })).toEqual(expected);
    const { leastBytes, arenaBytes, stateBytes } = report('q8', alone);
    const budget = leastBytes - arenaBytes - stateBytes;
    const tight = await load({ weights: 'q8', weightBudgetBytes: budget });
    expect(await pixels(tight, { ...REQUEST, n: 1 })).toEqual([expected[0]]);
    expect(tight.runtime.residency.bytes).toBeLessThanOrEqual(budget);
    const { images } = await alone.generate(REQUEST);
    expect(images[0]!.parameters).toMatchObject({ weights: 'q8', dtype: 'f32' });
    expect(alone.weights).toBe('q8');
  });

  it('take the bytes on the GPU that the report says', async () => {
    for (const weights of ['full', 'q8'] as const) {
      const unclip = await load({ weights });
      await unclip.generate(REQUEST);
      expect(unclip.runtime.residency.bytes).toBe(report(weights, unclip).weightBytes);
    }
  });

  it('are asked for by name', async () => {
    await expect(Unclip.load(MODEL, { weights: 'q4' as 'q8' })).rejects.toMatchObject({
      code: 'INPUT_INVALID',
      message: "weights is 'q4': give full or q8",
    });
  });
});

const report = (weights: 'full' | 'q8', { runtime }: Unclip) =>
  memoryReport(loadUnclipModel(MODEL), { batch: 1, guided: true, dtype: 'f32', weights }, runtime.caps);

import { createHash } from 'node:crypto';
import { join } from 'node:path';
import type { DrawItem } from '../../src/ts/pipelines/drawing.js';
import type { GeneratedImage } from '../../src/ts/pipelines/generated-image.js';
import type { WorkerMetrics } from '../../src/ts/pipelines/scheduler/scheduler-metrics.js';
import type { SamplingSettings } from '../../src/ts/pipelines/settings.js';
import { Unclip } from '../../src/ts/pipelines/unclip.js';
import { PicturePool } from '../../src/ts/pool/picture-pool.js';

export const MODEL = join(import.meta.dirname, '..', 'fixtures', 'unclip-t2i', 'model');

export const GUIDED: SamplingSettings = {
  priorSteps: 3,
  decoderSteps: 4,
  superResSteps: 3,
  priorGuidanceScale: 4,
  decoderGuidanceScale: 8,
};

/** Steps of a picture with {@link GUIDED}, the encoding of its text included. */
export const STEPS = 1 + 3 + 4 + 3;

export const item = (k: number, prompt = 'a red panda'): DrawItem => ({ prompt, seed: 10 + k });
export const items = (count: number): DrawItem[] => Array.from({ length: count }, (_, k) => item(k));

export const hashOf = (image: Pick<GeneratedImage, 'data'>): string =>
  createHash('sha256').update(image.data).digest('hex').slice(0, 12);

export const codeOf = (promise: Promise<unknown>): Promise<string> =>
  promise.then(
    () => 'drawn',
    (error: { code?: string }) => error.code ?? String(error),
  );

/** Workers are built programs. */
export async function build(): Promise<void> {
  const step = new URL('../../scripts/steps/typescript.mjs', import.meta.url).href;
  await ((await import(step)) as { typescript(): Promise<string> }).typescript();
}

/** Hashes of pictures as this process draws them. */
export async function drawnAlone(
  pictures: readonly { readonly item: DrawItem; readonly settings?: SamplingSettings }[],
): Promise<string[]> {
  const unclip = await Unclip.load(MODEL, { dtype: 'f32', deterministic: true });
  const hashes: string[] = [];
  for (const { item, settings = GUIDED } of pictures) {
    const { images } = await unclip.generate({ ...settings, prompt: item.prompt, seed: item.seed });
    hashes.push(hashOf(images[0]!));
  }
  await unclip.dispose();
  return hashes;
}

/** Pools of a test, or of a test file, which are closed at its end. */
export class Pools {
  readonly #pools: PicturePool[] = [];

  async load(options: Parameters<typeof PicturePool.load>[1] = {}): Promise<PicturePool> {
    const pool = await PicturePool.load(MODEL, {
      workers: 2,
      batchSize: 2,
      dtype: 'f32',
      deterministic: true,
      ...options,
    });
    this.#pools.push(pool);
    return pool;
  }

  async close(): Promise<void> {
    await Promise.all(this.#pools.splice(0).map((pool) => pool.close()));
  }
}

export const workersOf = (pool: PicturePool): readonly WorkerMetrics[] => pool.metrics().workers!;

export const sleep = (ms: number): Promise<void> => new Promise((resolve) => setTimeout(resolve, ms));

/** Waits for something to come about. */
export async function until(fits: () => boolean, what: string): Promise<void> {
  const begin = performance.now();
  while (!fits()) {
    if (performance.now() - begin > 60_000) throw new Error(`${what}: not after a minute`);
    await sleep(5);
  }
}

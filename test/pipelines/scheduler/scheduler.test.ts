import { createHash } from 'node:crypto';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import type { Picture } from '../../../src/ts/image/picture.js';
import type { DrawItem } from '../../../src/ts/pipelines/drawing.js';
import { Engine } from '../../../src/ts/pipelines/engine.js';
import type { GeneratedImage } from '../../../src/ts/pipelines/generated-image.js';
import { PerImageNoise } from '../../../src/ts/pipelines/noise.js';
import type { PictureStep, SchedulerOptions, SubmitOptions } from '../../../src/ts/pipelines/scheduler/options.js';
import { Scheduler } from '../../../src/ts/pipelines/scheduler/scheduler.js';
import { partialAt } from '../../../src/ts/pipelines/scheduler/unfinished-state.js';
import type { SamplingSettings } from '../../../src/ts/pipelines/settings.js';
import { textToImage } from '../../../src/ts/pipelines/text-to-image.js';

const MODEL = join(import.meta.dirname, '..', '..', 'fixtures', 'unclip-t2i', 'model');
const GUIDED: SamplingSettings = {
  priorSteps: 3,
  decoderSteps: 4,
  superResSteps: 3,
  priorGuidanceScale: 4,
  decoderGuidanceScale: 8,
};
const LONGER: SamplingSettings = {
  ...GUIDED,
  priorSteps: 5,
  decoderSteps: 2,
  superResSteps: 2,
  decoderGuidanceScale: 3,
};
const UNGUIDED: SamplingSettings = { ...GUIDED, priorGuidanceScale: 1, decoderGuidanceScale: 1 };
const PROMPTS = ['a red panda', 'an old monk', 'celadon in the shape of bird'];

let engine: Engine;
const schedulers: Scheduler[] = [];

beforeAll(async () => {
  engine = await Engine.open(MODEL, { dtype: 'f32', batchSize: 4 });
});
afterAll(async () => {
  for (const scheduler of schedulers) await scheduler.close();
  await engine.dispose();
});

const scheduler = (options: SchedulerOptions = {}): Scheduler => {
  const made = new Scheduler(engine, options);
  schedulers.push(made);
  return made;
};

const item = (k: number, seed = 10 + k): DrawItem => ({ prompt: PROMPTS[k % PROMPTS.length]!, seed });
const hashOf = (image: GeneratedImage): string => createHash('sha256').update(image.data).digest('hex').slice(0, 12);

/** The picture as the engine draws it by itself. */
const alone = async ({ prompt, seed }: DrawItem, settings: SamplingSettings): Promise<string> =>
  hashOf((await textToImage(engine, { prompt, seed, ...settings })).images[0]!);

const codeOf = (promise: Promise<unknown>): Promise<string> =>
  promise.then(
    () => 'drawn',
    (error: { code?: string }) => error.code ?? String(error),
  );

describe('Scheduler', () => {
  it('draws the picture that is drawn alone, to the bit, at every batch size', async () => {
    const items = [0, 1, 2, 3, 4].map((k) => item(k));
    const expected = await Promise.all(items.map((i) => alone(i, GUIDED)));
    for (const maxBatch of [1, 2, 3, 5]) {
      const drawn = await Promise.all(scheduler({ maxBatch }).submit(items, { settings: GUIDED }));
      expect(drawn.map(hashOf)).toEqual(expected);
    }
  });

  it('draws it whoever joins and leaves meanwhile, with other steps, guidance and seeds', async () => {
    const kinds = [GUIDED, LONGER, UNGUIDED];
    const expected = await Promise.all(kinds.map((settings, k) => alone(item(k), settings)));
    const shared = scheduler({ maxBatch: 3, maxActive: 5 });
    const drawn: Promise<string>[] = [];
    // Each step of the first request brings another one in, so that every join pattern of the three kinds comes about.
    let next = 0;
    const join = (): void => {
      if (next >= 9) return;
      const k = next++ % 3;
      const [picture] = shared.submit([item(k)], { settings: kinds[k]!, onStep: join });
      drawn.push(picture!.then(hashOf));
    };
    join();
    for (let i = 0; i < drawn.length || next < 9; i++) expect(await drawn[i]).toBe(expected[i % 3]);
    const { stages, finished } = shared.metrics();
    expect(finished).toBe(9);
    expect(stages.decoder!.pictures).toBeGreaterThan(stages.decoder!.batches);
  });

  it('batches pictures that are at different steps', async () => {
    const shared = scheduler({ maxBatch: 2, queueDelayMs: 10_000 });
    const steps: PictureStep[] = [];
    let second: Promise<GeneratedImage>[] = [];
    const first = shared.submit([item(0)], {
      settings: GUIDED,
      onStep: (step) => {
        if (step.stage === 'decoder' && step.step === 1)
          second = shared.submit([item(1)], { settings: GUIDED, onStep: (s) => steps.push(s) });
      },
    });
    await Promise.all(first);
    await Promise.all(second);
    const together = steps.filter(({ stage, batch }) => stage === 'decoder' && batch === 2);
    expect(together.map(({ step }) => step)).toEqual([1, 2, 3]);
  });

  it('ends one picture within a step and leaves the others as they are', async () => {
    const shared = scheduler({ maxBatch: 3 });
    const controller = new AbortController();
    const [kept] = shared.submit([item(0)], { settings: GUIDED });
    let told = 0;
    const [cancelled] = shared.submit([item(1)], {
      settings: GUIDED,
      signal: controller.signal,
      onStep: ({ stage, step }) => {
        told++;
        if (stage === 'decoder' && step === 2) controller.abort();
      },
    });
    expect(await codeOf(cancelled!)).toBe('CANCELLED');
    // Text, three steps of the prior, two of the decoder.
    expect(told).toBe(6);
    expect(hashOf(await kept!)).toBe(await alone(item(0), GUIDED));
    expect(shared.metrics()).toMatchObject({ finished: 1, failed: { CANCELLED: 1 }, active: {}, queued: 0 });
  });

  it('refuses what does not find room and ends what is too late', async () => {
    const shared = scheduler({ maxQueued: 2 });
    expect(() =>
      shared.submit(
        [0, 1, 2].map((k) => item(k)),
        { settings: GUIDED },
      ),
    ).toThrow('try again later');
    const [late] = shared.submit([item(0)], { settings: GUIDED, deadline: performance.now() - 1 });
    expect(await codeOf(late!)).toBe('DEADLINE_EXCEEDED');
  });

  it('lets priority go first, and takes turns between requests', async () => {
    const shared = scheduler({ maxBatch: 1, maxActive: 1 });
    const order: string[] = [];
    const ask = (name: string, count: number, priority: number): Promise<unknown>[] =>
      shared
        .submit(
          Array.from({ length: count }, (_, k) => item(k)),
          { settings: LONGER, priority },
        )
        .map((picture) => picture.then(() => order.push(name)));
    await Promise.all([...ask('many', 3, 0), ...ask('few', 2, 0), ...ask('urgent', 1, 5)]);
    expect(order).toEqual(['urgent', 'many', 'few', 'many', 'few', 'many']);
  });

  it('counts what is submitted in parts as one request', async () => {
    const shared = scheduler({ maxBatch: 1, maxActive: 1 });
    const order: string[] = [];
    const ask = (name: string, request?: number): Promise<unknown> =>
      shared.submit([item(0)], { settings: LONGER, request })[0]!.then(() => order.push(name));
    await Promise.all([...[1, 2, 3].map(() => ask('parts', 7)), ask('one'), ask('other')]);
    expect(order).toEqual(['parts', 'one', 'other', 'parts', 'parts']);
  });

  it('draws given embeddings without the prior', async () => {
    const embedding = Float32Array.from({ length: 16 }, (_, i) => Math.sin(i));
    const given = { ...item(0), imageEmbeds: embedding };
    const [a, b] = await Promise.all(scheduler({ maxBatch: 2 }).submit([given, given], { settings: GUIDED }));
    expect(hashOf(a!)).toBe(hashOf(b!));
    expect(a!.parameters.steps).toEqual({ decoder: 4, superRes: 3 });
  });

  it('goes on from the last step when the device is lost, again and again, to the same bits', async () => {
    const items = [0, 1, 2].map((k) => item(k));
    const expected = await Promise.all(items.map((i) => alone(i, GUIDED)));
    const shared = scheduler({ maxBatch: 2 });
    const lostAt = new Set(['text 1', 'prior 2', 'prior 3', 'decoder 1', 'decoder 4', 'superRes 2']);
    let steps = 0;
    const drawn = shared.submit(items, {
      settings: GUIDED,
      onStep: ({ stage, step }) => {
        steps++;
        if (lostAt.delete(`${stage} ${step}`)) engine.runtime.device.gpu.destroy();
      },
    });
    expect((await Promise.all(drawn)).map(hashOf)).toEqual(expected);
    expect(lostAt.size).toBe(0);
    // Nothing was drawn from the beginning again.
    expect(steps).toBe(3 * (1 + 3 + 4 + 3));
    expect(await alone(items[0]!, GUIDED)).toBe(expected[0]);
  });

  it('gives up when it is told not to recover', async () => {
    const shared = scheduler({ recover: false });
    const [lost] = shared.submit([item(0)], {
      settings: GUIDED,
      onStep: ({ stage }) => {
        if (stage === 'decoder') engine.runtime.device.gpu.destroy();
      },
    });
    expect(await codeOf(lost!)).toBe('GPU_DEVICE_LOST');
    const [next] = shared.submit([item(0)], { settings: GUIDED });
    expect(hashOf(await next!)).toBe(await alone(item(0), GUIDED));
  });

  it('shows unfinished pictures, evenly between start and end', async () => {
    const seen: string[] = [];
    const [drawn] = scheduler({ maxBatch: 2 }).submit([item(0)], {
      settings: GUIDED,
      partialImages: 3,
      onPartial: ({ width, height, data }, number, picture) => {
        expect(data).toHaveLength(3 * width * height);
        seen.push(`${number} ${picture} ${width}`);
      },
    });
    await drawn;
    // After steps 2 and 4 of the decoder's 4, and 1 of the upsampler's 3: a quarter, a half, three quarters.
    expect(seen).toEqual(['0 0 16', '1 0 16', '2 0 64']);
    expect([0, 1, 2, 3].map((done) => partialAt(done, 4, 1))).toEqual([undefined, undefined, 0, undefined]);
  });

  it('tells what the prior predicts, the last of which is what the decoder gets, and draws the same picture', async () => {
    const settings = { ...GUIDED, sampler: 'ddim' } as const;
    const shared = scheduler({ maxBatch: 3 });
    const told: { step: string; embedding: Float32Array }[] = [];
    const partialsOf = async (drawn: DrawItem, asked: Pick<SubmitOptions, 'onEmbedding'>): Promise<string[]> => {
      const partials: string[] = [];
      const onPartial = ({ width, data }: Picture): void => {
        if (width === 16) partials.push(createHash('sha256').update(data).digest('hex'));
      };
      // Others share its batches meanwhile.
      const others = shared.submit([item(1), item(2)], { settings });
      await shared.submit([drawn], { settings, partialImages: 6, onPartial, ...asked })[0];
      await Promise.all(others);
      return partials;
    };
    const partials = await partialsOf(item(0), {
      onEmbedding: (embedding, step, steps, picture) => told.push({ step: `${step}/${steps} ${picture}`, embedding }),
    });
    expect(told.map(({ step }) => step)).toEqual(['1/3 0', '2/3 0', '3/3 0']);
    expect(await partialsOf(item(0), {})).toEqual(partials);
    // The same starting noise of the decoder, which a picture with a prior draws second; ddim takes no other.
    const noise = new PerImageNoise([item(0).seed]);
    noise.draw('prior', -1, [16]);
    const start = noise.draw('decoder', -1, [3, 16, 16]);
    const given = { ...item(0), imageEmbeds: told[2]!.embedding, start };
    expect(partials).toHaveLength(4);
    expect(await partialsOf(given, {})).toEqual(partials);
    expect(await partialsOf({ ...given, imageEmbeds: told[1]!.embedding }, {})).not.toEqual(partials);
  });

  it('holds no more than the pictures under way need, however many come', async () => {
    const one = scheduler({ maxBatch: 1, maxActive: 1 });
    await Promise.all(one.submit([item(0), item(1)], { settings: GUIDED }));
    const shared = scheduler({ maxBatch: 2, maxActive: 3 });
    await Promise.all(
      shared.submit(
        [0, 1, 2, 3, 4, 5, 6].map((k) => item(k)),
        { settings: LONGER },
      ),
    );
    expect(shared.bufferBytes).toBeLessThanOrEqual(3 * one.bufferBytes);
  });
});

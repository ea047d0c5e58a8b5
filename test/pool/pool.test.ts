import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import type { PictureStep } from '../../src/ts/pipelines/scheduler/options.js';
import type { SamplingSettings } from '../../src/ts/pipelines/settings.js';
import { PicturePool } from '../../src/ts/pool/picture-pool.js';
import {
  build,
  codeOf,
  drawnAlone,
  GUIDED,
  hashOf,
  item,
  items,
  MODEL,
  Pools,
  STEPS,
  until,
  workersOf,
} from './support.js';

const LONGER: SamplingSettings = { ...GUIDED, priorSteps: 5, decoderSteps: 3, decoderGuidanceScale: 3 };
const UNGUIDED: SamplingSettings = { ...GUIDED, priorGuidanceScale: 1, decoderGuidanceScale: 1 };
/** Long enough that it does not end while a test looks at it. */
const ENDLESS: SamplingSettings = { ...GUIDED, decoderSteps: 1000 };

const pools = new Pools();
let pool: PicturePool;

beforeAll(async () => {
  await build();
  pool = await pools.load();
}, 400_000);
afterAll(() => pools.close());

describe('PicturePool', () => {
  it('draws the picture that is drawn alone, to the bit, whichever worker draws it', async () => {
    const kinds = [GUIDED, LONGER, UNGUIDED];
    const asked = Array.from({ length: 9 }, (_, k) => ({ item: item(k % 3), settings: kinds[k % 3]! }));
    const drawn = asked.map(({ item, settings }) => pool.submit([item], { settings })[0]!);
    const expected = await drawnAlone(asked.slice(0, 3));
    const images = await Promise.all(drawn);
    expect(images.map(hashOf)).toEqual([...expected, ...expected, ...expected]);
    for (const { drawn, restarts } of workersOf(pool)) {
      expect(drawn).toBeGreaterThan(0);
      expect(restarts).toBe(0);
    }
    expect(pool.metrics()).toMatchObject({ finished: 9, begun: 9, failed: {}, queued: 0 });
    await until(() => Object.keys(pool.metrics().active).length === 0, 'the last report');
    const { decoder } = pool.metrics().stages;
    expect(decoder!.pictures).toBe(3 * (4 + 3 + 4));
    expect(decoder!.pictures).toBeGreaterThan(decoder!.batches);
  });

  it('gives pictures that encode to the same file', async () => {
    const [ours] = await Promise.all(pool.submit([item(0)], { settings: GUIDED }));
    const { Unclip } = await import('../../src/ts/pipelines/unclip.js');
    const unclip = await Unclip.load(MODEL, { dtype: 'f32', deterministic: true });
    const [theirs] = await Promise.all(unclip.scheduler().submit([item(0)], { settings: GUIDED }));
    await unclip.dispose();
    expect(await ours!.encode()).toEqual(await theirs!.encode());
    expect(ours!.parameters).toEqual(theirs!.parameters);
  });

  it('draws given embeddings, and keeps what else made the picture', async () => {
    const imageEmbeds = Float32Array.from({ length: 16 }, (_, i) => Math.sin(i));
    const asked = { ...item(0), imageEmbeds, origin: { operation: 'vary', strength: 1 } };
    const drawn = pool.submit([asked, asked], { settings: GUIDED });
    // What becomes of the array afterwards does not matter.
    imageEmbeds.fill(0);
    const [a, b] = await Promise.all(drawn);
    expect(hashOf(a!)).toBe(hashOf(b!));
    expect(a!.parameters).toMatchObject({ operation: 'vary', strength: 1, steps: { decoder: 4, superRes: 3 } });
  });

  it('tells of every step and of what is predicted, in order', async () => {
    const steps: PictureStep[] = [];
    const partials: string[] = [];
    const embeddings: string[] = [];
    await Promise.all(
      pool.submit([item(0), item(1)], {
        settings: GUIDED,
        partialImages: 3,
        onStep: (step) => steps.push(step),
        onPartial: ({ width, height, data }, number, picture) => {
          expect(data).toHaveLength(3 * width * height);
          partials.push(`${picture}: ${number} ${width}`);
        },
        onEmbedding: (embedding, step, of, picture) => {
          expect(embedding).toBeInstanceOf(Float32Array);
          embeddings.push(`${picture}: ${step}/${of} ${embedding.length}`);
        },
      }),
    );
    for (const picture of [0, 1]) {
      const told = steps.filter((step) => step.picture === picture).map(({ stage, step }) => `${stage} ${step}`);
      expect(told.slice(0, 3)).toEqual(['text 1', 'prior 1', 'prior 2']);
      expect(told).toHaveLength(STEPS);
      const shown = partials.filter((partial) => partial.startsWith(`${picture}:`));
      const predicted = embeddings.filter((embedding) => embedding.startsWith(`${picture}:`));
      expect(predicted).toEqual([1, 2, 3].map((step) => `${picture}: ${step}/3 16`));
      expect(shown).toEqual([`${picture}: 0 16`, `${picture}: 1 16`, `${picture}: 2 64`]);
    }
  });

  it('streams, as a scheduler does', async () => {
    const seeds: number[] = [];
    for await (const event of pool.stream(items(5), { settings: UNGUIDED, window: 3 }))
      if (event.type === 'image') seeds.push(event.image.seed);
    expect(seeds.sort()).toEqual([10, 11, 12, 13, 14]);
  });

  it('ends one picture within a step and leaves the others as they are', async () => {
    const [expected] = await drawnAlone([{ item: item(1) }]);
    const controller = new AbortController();
    let told = 0;
    const [cancelled] = pool.submit([item(0)], {
      settings: ENDLESS,
      signal: controller.signal,
      onStep: ({ stage, step }) => {
        told++;
        if (stage === 'decoder' && step === 2) controller.abort();
      },
    });
    const [kept] = pool.submit([item(1)], { settings: GUIDED });
    expect(await codeOf(cancelled!)).toBe('CANCELLED');
    expect(told).toBe(1 + 3 + 2);
    // The worker lets go of it too, long before its thousandth step.
    await until(() => workersOf(pool).every(({ pictures }) => pictures === 0), 'cancelled in the worker');
    expect(hashOf(await kept!)).toBe(expected);
    expect(pool.metrics().failed).toEqual({ CANCELLED: 1 });
    const [never] = pool.submit([item(0)], { settings: GUIDED, signal: AbortSignal.abort() });
    expect(await codeOf(never!)).toBe('CANCELLED');
  });

  it('ends what is too late, waiting or under way', async () => {
    const soon = { settings: ENDLESS, deadline: performance.now() + 400 };
    const drawn = pool.submit(items(12), soon);
    const codes = await Promise.all(drawn.map(codeOf));
    expect(codes).toEqual(codes.map(() => 'DEADLINE_EXCEEDED'));
    const [late] = pool.submit([item(0)], { settings: GUIDED, deadline: performance.now() - 1 });
    expect(await codeOf(late!)).toBe('DEADLINE_EXCEEDED');
  });

  it('ends a picture whose requester throws at what they are told, and no other', async () => {
    const drawn = pool.submit([item(0), item(1)], {
      settings: GUIDED,
      onStep: ({ picture, stage }) => {
        if (picture === 0 && stage === 'prior') throw new Error('enough');
      },
    });
    expect(await Promise.all(drawn.map(codeOf))).toEqual(['Error: enough', 'drawn']);
  });

  it('refuses what cannot be drawn or sent, or finds no room', async () => {
    const small = await pools.load({ workers: 1, maxQueued: 2 });
    const submit = (count: number) => () => small.submit(items(count), { settings: GUIDED });
    expect(submit(3)).toThrow(expect.objectContaining({ code: 'QUEUE_FULL' }));
    expect(() => small.submit([{ ...item(0), seed: -1 }])).toThrow(expect.objectContaining({ code: 'INPUT_INVALID' }));
    expect(() => small.submit([{ ...item(0), origin: { made: () => 0 } }])).toThrow('cannot be sent to a worker');
    expect(await Promise.all(submit(2)().map(codeOf))).toEqual(['drawn', 'drawn']);
  });

  it('lets priority go first, and takes turns between requests', async () => {
    const single = await pools.load({ maxBatch: 1, maxActive: 1 });
    const order: string[] = [];
    const ask = (name: string, count: number, priority: number): Promise<unknown>[] =>
      single.submit(items(count), {
        settings: LONGER,
        priority,
        onStep: ({ stage }) => {
          if (stage === 'text') order.push(name);
        },
      });
    const drawn = [...ask('many', 4, 0), ...ask('few', 2, 0), ...ask('urgent', 2, 5)];
    await Promise.all(drawn);
    expect(order.slice(0, 2)).toEqual(['urgent', 'urgent']);
    // Two workers take one each at the same time: in whichever order.
    expect(order.slice(2, 4).sort()).toEqual(['few', 'many']);
    expect(order.slice(4, 6).sort()).toEqual(['few', 'many']);
  });

  it('finishes what is under way when it is closed, and ends its processes', async () => {
    const closed = await pools.load();
    const pids = workersOf(closed).map(({ pid }) => pid!);
    const drawn = Promise.all(closed.submit(items(7), { settings: GUIDED }).map(codeOf));
    await Promise.all([closed.close(), closed.close()]);
    expect(await drawn).toEqual(Array.from({ length: 7 }, () => 'drawn'));
    for (const pid of pids) expect(() => process.kill(pid, 0)).toThrow('ESRCH');
    expect(() => closed.submit([item(0)])).toThrow('this pool was closed');
  });

  it('draws on the adapters that it is told, in turns', async () => {
    const { name } = (await pools.load({ adapters: ['auto'] })).adapters[0]!;
    const driver = name.split(':')[0]!;
    const named = await pools.load({ workers: undefined, adapters: [driver, 'UNCLIP_ADAPTER=software'] });
    expect(named.adapters.map((adapter) => adapter.name)).toEqual([name, name]);
    const images = await Promise.all(named.submit(items(4), { settings: GUIDED }));
    expect(images.map(hashOf)).toEqual(await drawnAlone(items(4).map((item) => ({ item }))));
    expect(workersOf(named).every(({ drawn }) => drawn > 0)).toBe(true);
  });

  it('says which adapters there are when one is not, and starts no worker', async () => {
    const load = PicturePool.load(MODEL, { adapters: ['software', 'GeForce 256'] });
    await expect(load).rejects.toMatchObject({ code: 'GPU_NO_ADAPTER', message: expect.stringContaining('there is') });
    // The variable reaches the worker, which then finds no driver.
    const blind = PicturePool.load(MODEL, { adapters: ['VK_DRIVER_FILES=/nonexistent.json'] });
    await expect(blind).rejects.toMatchObject({ code: 'GPU_NO_ADAPTER' });
    expect(await codeOf(PicturePool.load(MODEL, { workers: 1, adapters: ['auto', 'auto'] }))).toBe('INPUT_INVALID');
    expect(await codeOf(PicturePool.load(MODEL, { adapters: [] }))).toBe('INPUT_INVALID');
  });

  it('says why it cannot begin', async () => {
    const load = (folder: string, options: object): Promise<string> => codeOf(PicturePool.load(folder, options));
    expect(await load('/nonexistent', {})).toBe('MODEL_NOT_FOUND');
    expect(await load(MODEL, { workers: 0 })).toBe('INPUT_INVALID');
    expect(await load(MODEL, { queueDelayMs: -1 })).toBe('INPUT_INVALID');
    // What only the workers find out.
    expect(await load(MODEL, { workers: 2, weights: 'q7' })).toBe('INPUT_INVALID');
  });
});

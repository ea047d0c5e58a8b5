import { createHash } from 'node:crypto';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import {
  type GeneratedImage,
  type PictureEvent,
  type Scheduler,
  type StreamOptions,
  Unclip,
  UnclipError,
} from '../../../src/ts/index.js';
import { checkSettings } from '../../../src/ts/pipelines/request.js';
import { Mailbox } from '../../../src/ts/pipelines/scheduler/mailbox.js';

const MODEL = join(import.meta.dirname, '..', '..', 'fixtures', 'unclip-t2i', 'model');
const SETTINGS = { priorSteps: 2, decoderSteps: 4, superResSteps: 2 } as const;

let unclip: Unclip;
let scheduler: Scheduler;

beforeAll(async () => {
  unclip = await Unclip.load(MODEL, { dtype: 'f32', batchSize: 2 });
  scheduler = unclip.scheduler({ maxQueued: 8 });
});
afterAll(() => unclip.dispose());

const items = (n: number) => Array.from({ length: n }, (_, k) => ({ prompt: 'a red panda', seed: 10 + k }));
const hashOf = ({ data }: GeneratedImage): string => createHash('sha256').update(data).digest('hex').slice(0, 12);

async function eventsOf(source: AsyncIterable<PictureEvent>): Promise<PictureEvent[]> {
  const events: PictureEvent[] = [];
  for await (const event of source) events.push(event);
  return events;
}

const imagesOf = (events: readonly PictureEvent[]): Map<number, string> =>
  new Map(events.flatMap((e) => (e.type === 'image' ? [[e.picture, hashOf(e.image)] as const] : [])));

const stream = (n: number, options: StreamOptions = {}) =>
  scheduler.stream(items(n), { settings: SETTINGS, ...options });

const codeOf = (promise: Promise<unknown>): Promise<string> =>
  promise.then(
    () => 'done',
    (error: unknown) => (error instanceof UnclipError ? error.code : String(error)),
  );

describe('Scheduler.stream', () => {
  it('tells steps, partial pictures and pictures, in order, which are those drawn otherwise', async () => {
    const { images } = await unclip.generate({ prompt: 'a red panda', n: 3, seed: 10, ...SETTINGS });
    const events = await eventsOf(stream(3, { partialImages: 2 }));
    expect(imagesOf(events)).toEqual(new Map(images.map((image, k) => [k, hashOf(image)])));
    const first = events.filter(({ picture }) => picture === 0);
    const steps = first.flatMap((e) => (e.type === 'step' ? [`${e.stage} ${e.step}/${e.steps}`] : []));
    expect(steps).toEqual(
      ['text 1/1', 'prior 1/2', 'prior 2/2', 'decoder 1/4', 'decoder 2/4', 'decoder 3/4', 'decoder 4/4'].concat([
        'superRes 1/2',
        'superRes 2/2',
      ]),
    );
    expect(first.flatMap((e) => (e.type === 'partial' ? [[e.number, e.image.width]] : []))).toEqual([
      [0, 16],
      [1, 16],
    ]);
    expect(first.at(-1)!.type).toBe('image');
  });

  it('takes no more from its source than its reader has room for, and draws an endless one', async () => {
    let taken = 0;
    async function* endless() {
      for (;;) {
        await sleep(1);
        yield { prompt: 'an old monk', seed: taken++ };
      }
    }
    const most: number[] = [];
    let read = 0;
    for await (const event of scheduler.stream(endless(), { settings: SETTINGS, window: 3 })) {
      most.push(taken - read);
      if (event.type !== 'image') continue;
      // A slow reader: whatever is under way is finished meanwhile, and nothing new begins.
      if (++read === 2) await sleep(1500);
      if (read === 6) break;
    }
    expect(Math.max(...most)).toBe(3);
    expect(scheduler.metrics()).toMatchObject({ queued: 0, active: {} });
  });

  it('keeps only the latest state of each picture for a slow reader, and every picture', async () => {
    const source = stream(2, { partialImages: 4, window: 2 });
    const { value } = await source.next();
    expect(value).toMatchObject({ type: 'step', stage: 'text' });
    while (scheduler.metrics().queued + Object.keys(scheduler.metrics().active).length > 0) await sleep(20);
    const rest = await eventsOf(source);
    // The last step and the finished picture, of each.
    expect(rest.map(({ type, picture }) => `${type} ${picture}`).sort()).toEqual([
      'image 0',
      'image 1',
      'step 0',
      'step 1',
    ]);
  });

  it('cancels what is under way when its reader leaves', async () => {
    const { CANCELLED: before = 0 } = scheduler.metrics().failed;
    for await (const event of stream(4)) if (event.type === 'step' && event.stage === 'prior') break;
    expect(scheduler.metrics()).toMatchObject({ queued: 0, active: {} });
    expect(scheduler.metrics().failed.CANCELLED).toBe(before + 4);
  });

  it('ends with CANCELLED by its signal, whatever it waits for', async () => {
    const stop = new AbortController();
    const never = (async function* () {
      yield items(1)[0]!;
      await new Promise(() => {});
    })();
    const run = async (): Promise<void> => {
      for await (const event of scheduler.stream(never, { settings: SETTINGS, signal: stop.signal }))
        if (event.type === 'image') setTimeout(() => stop.abort(), 10);
    };
    expect(await codeOf(run())).toBe('CANCELLED');
    expect(await codeOf(eventsOf(stream(1, { signal: AbortSignal.abort() })))).toBe('CANCELLED');
  });

  it('ends with the error of its source, of a bad item, and of a bad option', async () => {
    const broken = (function* () {
      yield items(1)[0]!;
      throw new RangeError('no more');
    })();
    expect(await codeOf(eventsOf(scheduler.stream(broken, { settings: SETTINGS })))).toBe('RangeError: no more');
    expect(await codeOf(eventsOf(scheduler.stream([{ prompt: 'a', seed: -1 }])))).toBe('INPUT_INVALID');
    expect(await codeOf(eventsOf(stream(1, { window: 0 })))).toBe('INPUT_INVALID');
    expect(await codeOf(eventsOf(stream(1, { deadline: performance.now() - 1 })))).toBe('DEADLINE_EXCEEDED');
  });

  it('waits for room in a full queue', async () => {
    const tight = unclip.scheduler({ maxQueued: 1, maxActive: 1, maxBatch: 1 });
    const events = await eventsOf(tight.stream(items(4), { settings: SETTINGS, window: 4 }));
    expect(imagesOf(events).size).toBe(4);
  });
});

describe('Scheduler.submit', () => {
  it('refuses bad input before it takes anything', () => {
    const wrong: Record<string, () => unknown> = {
      'seed is -1': () => scheduler.submit([{ prompt: 'a', seed: -1 }]),
      'prompt is a number': () => scheduler.submit([{ prompt: 3 as unknown as string, seed: 1 }]),
      'decoderSteps is 1': () => scheduler.submit(items(1), { settings: { decoderSteps: 1 } }),
      'partialImages is 1.5': () => scheduler.submit(items(1), { partialImages: 1.5 }),
      'imageEmbeds has 3 numbers': () => scheduler.submit([{ prompt: '', seed: 1, imageEmbeds: new Float32Array(3) }]),
      'maxBatch is 0': () => unclip.scheduler({ maxBatch: 0 }),
    };
    for (const [message, ask] of Object.entries(wrong))
      expect(ask).toThrow(
        expect.objectContaining({ code: 'INPUT_INVALID', message: expect.stringContaining(message) }),
      );
    expect(scheduler.submit([])).toEqual([]);
    expect(scheduler.metrics().queued).toBe(0);
  });

  it('fails a picture whose requester throws, and no other', async () => {
    const ask = (tell: () => void) => scheduler.submit(items(1), { settings: SETTINGS, onStep: tell });
    const [bad] = ask(() => {
      throw new TypeError('theirs');
    });
    const [good] = ask(() => {});
    expect(await codeOf(bad!)).toBe('TypeError: theirs');
    expect((await good!).width).toBeGreaterThan(0);
  });
});

describe('await using', () => {
  it('closes a scheduler, and a model with the pictures that are under way', async () => {
    let image: Promise<GeneratedImage>;
    let closed: Scheduler;
    {
      await using other = await Unclip.load(MODEL, { dtype: 'f32' });
      {
        await using inner = other.scheduler();
        closed = inner;
      }
      [image] = other.scheduler().submit(items(1), { settings: SETTINGS }) as [Promise<GeneratedImage>];
    }
    expect(closed.closed).toBe(true);
    expect((await image).width).toBeGreaterThan(0);
  });
});

describe('checkSettings', () => {
  it('leaves settings alone that it has checked', () => {
    const { defaults } = unclip.model.info;
    const given = [
      {},
      { sampler: 'ddim', eta: 0.5 },
      { sampler: 'euler' },
      { superResStart: 0.5, decoderSteps: 7 },
      { prior: 'ar', priorTemperature: 0.5, priorTopK: 3 },
    ] as const;
    for (const settings of given.map((g) => checkSettings(g, defaults)))
      expect(checkSettings(settings, defaults)).toEqual(settings);
  });
});

describe('Mailbox', () => {
  it('replaces news of the same key, keeps order, and ends after the last', async () => {
    const mailbox = new Mailbox<string>();
    mailbox.post('a', 'a1');
    mailbox.post('b', 'b1');
    mailbox.post('a', 'a2');
    mailbox.post('c', 'c1');
    mailbox.forget('c');
    mailbox.end(new Error('late'));
    mailbox.end();
    expect([await mailbox.next(), await mailbox.next()]).toEqual(['b1', 'a2']);
    await expect(mailbox.next()).rejects.toThrow('late');
  });
});

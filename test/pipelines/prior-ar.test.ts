import { cpSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import sharp from 'sharp';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { readPictureParameters } from '../../src/ts/image/parameters.js';
import { type GenerateRequest, Unclip, UnclipError } from '../../src/ts/index.js';
import { loadUnclipModel } from '../../src/ts/models/model-index.js';
import { Engine } from '../../src/ts/pipelines/engine.js';
import { graphRuns } from '../../src/ts/pipelines/graph-runs.js';
import { readModelInfo } from '../../src/ts/pipelines/model-info.js';
import { checkRequest } from '../../src/ts/pipelines/request.js';
import { Scheduler } from '../../src/ts/pipelines/scheduler/scheduler.js';
import { errorLine, unclip } from '../support/cli.js';
import { makeTinyModel } from '../support/tiny-model.js';

const folder = mkdtempSync(join(tmpdir(), 'unclip-prior-ar-'));
const model = join(folder, 'model');
const without = join(folder, 'without');
const defaults = {
  ...{ priorSteps: 3, decoderSteps: 2, superResSteps: 2, priorGuidanceScale: 2, decoderGuidanceScale: 3 },
  ar: { priorGuidanceScale: 1.5, priorTemperature: 0.9 },
};
const CODES = 5;
const REQUEST: GenerateRequest = { prompt: 'a red ball', seed: 5, prior: 'ar' };

let alone: Unclip;
let together: Unclip;
beforeAll(async () => {
  makeTinyModel(model, { priorAr: true, info: { name: 'tiny', defaults } });
  makeTinyModel(without);
  alone = await Unclip.load(model, { dtype: 'f32', batchSize: 1 });
  together = await Unclip.load(model, { dtype: 'f32', batchSize: 3 });
});
afterAll(async () => {
  await alone?.dispose();
  await together?.dispose();
  rmSync(folder, { recursive: true });
});

const pixels = async (from: Unclip, request: GenerateRequest): Promise<string[]> =>
  (await from.generate(request)).images.map((image) => Buffer.from(image.data).toString('base64'));

const failure = (promise: Promise<unknown>): Promise<unknown> =>
  promise.then(
    () => undefined,
    (error: unknown) => error,
  );

describe('drawing with the autoregressive prior', () => {
  it('gives the same picture, to the bit, at any batch size, again and again', async () => {
    const expected = await pixels(alone, { ...REQUEST, n: 4 });
    expect(new Set(expected).size).toBe(4);
    expect(await pixels(together, { ...REQUEST, n: 4 })).toEqual(expected);
    expect(await pixels(alone, { ...REQUEST, seed: 7 })).toEqual([expected[2]]);
    // The other prior, before and after, leaves nothing behind that would show.
    expect(await pixels(alone, { ...REQUEST, prior: 'diffusion' })).not.toEqual([expected[0]]);
    expect(await pixels(alone, REQUEST)).toEqual([expected[0]]);
  });

  it('gives it also where pictures of several requests share batches', async () => {
    const engine = await Engine.open(model, { dtype: 'f32', batchSize: 3 });
    const scheduler = new Scheduler(engine);
    const { settings } = checkRequest(REQUEST, defaults);
    const items = [5, 6, 7].map((seed) => ({ prompt: REQUEST.prompt, seed }));
    const drawn = await Promise.all(scheduler.submit(items, { settings }));
    await scheduler.close();
    await engine.dispose();
    const shared = drawn.map((image) => Buffer.from(image.data).toString('base64'));
    expect(shared).toEqual(await pixels(alone, { ...REQUEST, n: 3 }));
    expect(drawn[0]!.parameters).toMatchObject({ prior: 'ar' });
  });

  it('heeds guidance, temperature and top-k', async () => {
    const drawn = async (more: Partial<GenerateRequest>) => (await pixels(alone, { ...REQUEST, ...more }))[0];
    const likeliest = await drawn({ priorTopK: 1 });
    // The likeliest code alone is what no temperature can change, but for the score.
    expect(await drawn({ priorTopK: 1, priorTemperature: 40 })).toBe(likeliest);
    expect(await drawn({ priorTemperature: 0 })).toBe(likeliest);
    expect(await drawn({ priorTemperature: 40 })).not.toBe(likeliest);
    expect(await drawn({ priorTopK: 1, priorGuidanceScale: 9 })).not.toBe(likeliest);
  });

  it('takes scales up to 1 as none, whether or not the decoder is guided', async () => {
    const plain = await pixels(alone, { ...REQUEST, priorGuidanceScale: 1 });
    expect(await pixels(alone, { ...REQUEST, priorGuidanceScale: 0.2 })).toEqual(plain);
  });

  it('tells a step for each code, and stops within one', async () => {
    const told: string[] = [];
    const abort = new AbortController();
    const error = await failure(
      alone.generate({
        ...REQUEST,
        signal: abort.signal,
        onProgress: (p) => {
          told.push(`${p.stage} ${p.step}/${p.steps}`);
          if (p.stage === 'prior' && p.step === 3) abort.abort();
        },
      }),
    );
    expect(error).toMatchObject({ code: 'CANCELLED' });
    expect(told.slice(-3)).toEqual([1, 2, 3].map((step) => `prior ${step}/${CODES}`));
  });

  it('allocates nothing while it draws', async () => {
    await alone.generate(REQUEST);
    const { gpu } = alone.runtime.device;
    const original = gpu.createBuffer.bind(gpu);
    const made: string[] = [];
    let prior = false;
    gpu.createBuffer = (descriptor) => {
      if (prior) made.push(String(descriptor.label));
      return original(descriptor);
    };
    await alone.generate({
      ...REQUEST,
      onProgress: (p) => {
        prior = p.stage === 'prior' && p.step < p.steps;
      },
    });
    gpu.createBuffer = original;
    expect(made).toEqual([]);
  });

  it('says in the picture what drew it', async () => {
    const { images } = await alone.generate(REQUEST);
    expect(images[0]!.parameters).toMatchObject({
      ...{ prior: 'ar', priorTemperature: 0.9, priorTopK: 0 },
      steps: { prior: CODES, decoder: 2, superRes: 2 },
      guidance: { prior: 1.5, decoder: 3 },
    });
    const other = await alone.generate({ ...REQUEST, prior: undefined });
    expect(other.images[0]!.parameters).toMatchObject({ prior: 'diffusion', steps: { prior: 3 } });
    expect(other.images[0]!.parameters).not.toHaveProperty('priorTemperature');
  });

  it('is counted where it runs, and the other is not', () => {
    const runs = (prior: 'ar' | 'diffusion') =>
      graphRuns(loadUnclipModel(model), { batch: 1, guided: true, dtype: 'f32' }, { ...defaults, prior })
        .map((r) => `${r.graph.name} ${r.runs}`)
        .filter((name) => name.startsWith('prior'));
    expect(runs('ar')).toEqual(['prior_ar.prelude 1', `prior_ar.step ${CODES}`, 'prior_ar.finish 1']);
    expect(runs('diffusion')).toEqual(['prior.prelude 1', 'prior.step 3', 'prior.finish 1']);
  });
});

describe('what does not go together', () => {
  it('is refused', async () => {
    const small = await Unclip.load(without, { dtype: 'f32' });
    const error = await failure(small.generate(REQUEST));
    await small.dispose();
    expect(error).toMatchObject({ code: 'MODEL_CONFIG_INVALID', message: expect.stringContaining('prior_ar') });
  });

  it.each([
    [{ priorTemperature: 0.5 }, /priorTemperature is 0\.5: it needs the autoregressive prior/],
    [{ prior: 'diffusion', priorTopK: 3 }, /priorTopK is 3: it needs/],
    [{ prior: 'ar', priorTemperature: -1 }, /priorTemperature is -1: give 0 or more/],
    [{ prior: 'ar', priorTopK: 1.5 }, /priorTopK is 1\.5: give a whole number/],
    [{ prior: 'vae' }, /prior is vae: give diffusion or ar/],
  ])('%o', (given, message) => {
    const check = () => checkRequest({ prompt: 'a ball', ...(given as object) }, readModelInfo(model).defaults);
    expect(check).toThrow(UnclipError);
    expect(check).toThrow(message);
  });

  it.each([
    ['embedding_dim', { embedding_dim: 12 }],
    ['num_embeddings', { num_embeddings: 70 }],
    ['num_buckets', { num_buckets: 4096 }],
    ['unknown key', { num_tokens: 3 }],
  ])('a config whose %s does not fit', (_, change) => {
    const bad = join(folder, 'bad');
    cpSync(model, bad, { recursive: true });
    const config = loadUnclipModel(model).priorAr;
    writeFileSync(join(bad, 'prior_ar', 'config.json'), JSON.stringify({ ...config, ...change }));
    expect(() => loadUnclipModel(bad)).toThrow(/prior_ar\/config\.json: /);
    rmSync(bad, { recursive: true });
  });
});

describe('unclip generate --prior ar', () => {
  const draw = (...args: string[]) => unclip(['generate', ...args]);

  it('draws, and makes the same picture again from the picture', async () => {
    const [first, again] = [join(folder, 'first.png'), join(folder, 'again.png')];
    const args = ['--model', model, '--prior', 'ar', '--prior-top-k', '4', '--seed', '2', '-q', '--out', first];
    expect(await draw('a red ball', ...args)).toMatchObject({ code: 0 });
    expect(await draw('--from', first, '--out', again, '-q')).toMatchObject({ code: 0 });
    expect(await readPictureParameters(again)).toMatchObject({ prior: 'ar', priorTopK: 4, priorTemperature: 0.9 });
    const raw = (file: string) => sharp(file).raw().toBuffer();
    expect(await raw(again)).toEqual(await raw(first));
    // Settings of one prior say nothing to the other.
    expect(await draw('--from', first, '--prior', 'diffusion', '--out', again, '-q')).toMatchObject({ code: 0 });
    expect(await readPictureParameters(again)).toMatchObject({ prior: 'diffusion', guidance: { prior: 2 } });
  });

  it('names the option that does not fit', async () => {
    const unknown = errorLine(await draw('a red ball', '--model', model, '--prior', 'gan'));
    expect(unknown).toEqual({ code: 'INPUT_INVALID', message: "--prior is 'gan': give diffusion, ar" });
    const steps = errorLine(await draw('a red ball', '--model', model, '--prior', 'ar', '--prior-steps', '9'));
    expect(steps).toMatchObject({ code: 'INPUT_INVALID', message: expect.stringContaining('--prior-steps') });
    const missing = errorLine(await draw('a red ball', '--model', without, '--prior', 'ar', '-q'));
    expect(missing).toMatchObject({ code: 'MODEL_CONFIG_INVALID', message: expect.stringContaining('prior_ar') });
  });
});

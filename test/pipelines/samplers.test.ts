import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { STEP_PARAMS_FLOATS } from '../../src/ts/diffusion/step-params.js';
import { elementCount } from '../../src/ts/graph/types.js';
import { type GenerateRequest, type SamplingChoice, Unclip } from '../../src/ts/index.js';
import { Inverter } from '../../src/ts/pipelines/inverter.js';
import { ProgramSet } from '../../src/ts/pipelines/programs/program-set.js';
import { submitPrograms } from '../../src/ts/pipelines/run-stage.js';
import { errors, randomArray } from '../support/op-harness.js';

const MODEL = join(import.meta.dirname, '..', 'fixtures', 'unclip-t2i', 'model');
const REQUEST: GenerateRequest = { prompt: 'a red panda', seed: 5, priorSteps: 3, decoderSteps: 3, superResSteps: 2 };
const CHOICES: SamplingChoice[] = [
  { sampler: 'unclip' },
  { sampler: 'ddim', eta: 0.5 },
  { sampler: 'dpm++2m' },
  { sampler: 'euler' },
];

let alone: Unclip;
let together: Unclip;
beforeAll(async () => {
  alone = await Unclip.load(MODEL, { dtype: 'f32', batchSize: 1 });
  together = await Unclip.load(MODEL, { dtype: 'f32', batchSize: 2 });
});
afterAll(async () => {
  await alone.dispose();
  await together.dispose();
});

const pixels = async (unclip: Unclip, request: GenerateRequest): Promise<string[]> =>
  (await unclip.generate(request)).images.map((image) => Buffer.from(image.data).toString('base64'));

describe('samplers of a request', () => {
  it('draw pictures of their own, the same to the bit in any batch', async () => {
    const drawn = new Set<string>();
    for (const choice of CHOICES) {
      const expected = await pixels(alone, { ...REQUEST, ...choice, n: 2 });
      expect(await pixels(together, { ...REQUEST, ...choice, n: 2 })).toEqual(expected);
      for (const picture of expected) drawn.add(picture);
    }
    expect(drawn.size).toBe(2 * CHOICES.length);
  });

  it('are the ancestral one where none is named, and are written into the parameters where one is', async () => {
    expect(await pixels(alone, { ...REQUEST, sampler: 'unclip' })).toEqual(await pixels(alone, REQUEST));
    const of = async (choice: SamplingChoice) =>
      (await alone.generate({ ...REQUEST, ...choice })).images[0]!.parameters;
    expect(await of({})).not.toMatchObject({ sampler: expect.anything() });
    expect(await of({ sampler: 'dpm++2m' })).toMatchObject({ sampler: 'dpm++2m', spacing: 'trailing' });
    expect(await of({ sampler: 'ddim', spacing: 'karras' })).toMatchObject({ spacing: 'karras', eta: 0 });
  });

  it('are refused where they mean nothing', async () => {
    for (const choice of [{ eta: 0.5 }, { spacing: 'karras' }, { sampler: 'heun' }] as SamplingChoice[])
      await expect(alone.generate({ ...REQUEST, ...choice })).rejects.toMatchObject({ code: 'INPUT_INVALID' });
  });

  it('that look back are refused by edits, which repeat steps', async () => {
    const picture = { width: 8, height: 8, channels: 4 as const, data: new Uint8Array(256) };
    await expect(alone.edit({ ...REQUEST, picture, sampler: 'dpm++2m' })).rejects.toMatchObject({
      code: 'INPUT_INVALID',
      message: expect.stringContaining('dpm++2m'),
    });
  });
});

describe('Inverter', () => {
  const steps = 4;

  it('takes each rung from the sample below, by its own coefficients at its own timesteps', async () => {
    const { model, runtime, dtype } = alone;
    const programs = new ProgramSet(runtime, model, { batch: 2, guided: false, dtype });
    try {
      const { text, drawing } = programs;
      const program = drawing.decoderStep;
      text.write(['', '']);
      drawing.imageEmbeds.write(randomArray(elementCount(drawing.imageEmbeds.shape), 3));
      await submitPrograms(runtime, text.encoder, drawing.textProj, drawing.decoderPrelude);
      const schedule = model.schedules.decoder;
      const inverter = new Inverter(runtime, { schedule, program, batch: 2, steps, guidanceScale: 1, refinements: 2 });
      const pictures = randomArray(elementCount(inverter.latents.shape), 4).map((v) => v / 2);
      const expected = inverter.rungs.flatMap(({ climb }) =>
        climb === undefined ? [] : [climb.predict, climb.refine, climb.refine],
      );
      expect(inverter.evaluations).toBe(expected.length);
      const scale = Math.sqrt(inverter.rungs[0]!.to.alphaBar);
      let before: Float32Array = pictures.map((v) => v * scale);
      let below = before;
      await inverter.run(pictures, {
        async onStep(step, of) {
          expect(of).toBe(expected.length);
          const coefficients = expected[step - 1]!;
          const records = await program.state('stepParams').read();
          expect([records[0], records[STEP_PARAMS_FLOATS]]).toEqual([coefficients.timestep, coefficients.timestep]);
          const { x0Coeff, xtCoeff, std, noisy } = coefficients;
          if (!noisy) below = before;
          const predicted = await program.state('x0').read();
          const after = await inverter.latents.read();
          const wanted = before.map((x, i) => x0Coeff * predicted[i]! + xtCoeff * x + (noisy ? std * below[i]! : 0));
          expect(errors(after, wanted).maxAbs).toBeLessThan(1e-5);
          before = after;
        },
      });
      expect(errors(await inverter.latents.read(), before).maxAbs).toBe(0);
    } finally {
      programs.destroy();
    }
  });

  it('stops when it is told to', async () => {
    const { model, runtime, dtype } = alone;
    const programs = new ProgramSet(runtime, model, { batch: 1, guided: false, dtype });
    try {
      const program = programs.drawing.decoderStep;
      const options = { schedule: model.schedules.decoder, program, batch: 1, steps, guidanceScale: 1 };
      const inverter = new Inverter(runtime, options);
      const stop = new AbortController();
      const told: number[] = [];
      const run = inverter.run(new Float32Array(elementCount(inverter.latents.shape)), {
        signal: stop.signal,
        onStep(step) {
          told.push(step);
          if (step === 2) stop.abort();
        },
      });
      await expect(run).rejects.toMatchObject({ code: 'CANCELLED' });
      expect(told).toEqual([1, 2]);
    } finally {
      programs.destroy();
    }
  });
});

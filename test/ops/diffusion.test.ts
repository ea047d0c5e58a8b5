import { describe, expect, it } from 'vitest';
import { type SamplingChoice, samplerSteps } from '../../src/ts/diffusion/samplers/registry.js';
import { UnClipSchedule } from '../../src/ts/diffusion/schedule.js';
import { packStepParams, STEP_PARAMS_FLOATS, type StepParams } from '../../src/ts/diffusion/step-params.js';
import { GraphBuilder } from '../../src/ts/graph/builder.js';
import type { ActivationDType } from '../../src/ts/graph/types.js';
import { addon } from '../../src/ts/native/addon.js';
import { DTYPES } from '../support/dtypes.js';
import { errors, runOp } from '../support/op-harness.js';
import { randomStored } from '../support/rounding.js';
import { size } from '../support/shapes.js';
import { expectWithin } from '../support/within.js';

/** diffusers' get_timestep_embedding in f64. */
function embeddingReference(times: readonly number[], dim: number, flip: boolean, shift: number): number[] {
  const half = Math.floor(dim / 2);
  return times.flatMap((t) => {
    const angles = Array.from({ length: half }, (_, i) => t * Math.exp((-Math.log(10000) * i) / (half - shift)));
    const [sines, cosines] = [angles.map(Math.sin), angles.map(Math.cos)];
    return [...(flip ? [...cosines, ...sines] : [...sines, ...cosines]), ...(dim % 2 === 1 ? [0] : [])];
  });
}

describe.each(DTYPES)('timestep embedding in %s', (dtype) => {
  it.each([
    [2048, true, 0],
    [320, false, 1],
    [96, true, 1],
    [33, true, 0],
    [2, false, 0],
    [8192, true, 0],
  ])('dim %i, cosines first %s, shift %i', async (dim, flipSinToCos, freqShift) => {
    const times = [0, 1, 40, 333, 958, 999, 1000, 12.75, 499.5];
    const records = new Float32Array(16 * times.length).fill(Number.NaN);
    times.forEach((t, i) => {
      records[16 * i] = t;
    });
    const { output } = await runOp({
      dtype,
      inputs: { records },
      build: (g) =>
        g.timestepEmbedding(g.input('records', [times.length, 16], 'f32'), dim, { flipSinToCos, freqShift }),
    });
    expectWithin('timestepEmbedding', dtype, output, embeddingReference(times, dim, flipSinToCos, freqShift));
  });
});

interface StepCase {
  readonly shape: readonly number[];
  readonly params: readonly StepParams[];
  readonly guided: boolean;
  readonly learned: boolean;
}

/** One step on the device against the addon's f64, and x0 against the formula. */
async function checkStep({ shape, params, guided, learned }: StepCase, dtype: ActivationDType): Promise<void> {
  const [batch, channels] = [shape[0]!, shape[shape.length - 1]!];
  const [elements, width] = [size(shape), learned ? 2 : 1];
  const modelShape = [batch * (guided ? 2 : 1), ...shape.slice(1, -1), channels * width];
  const model = randomStored(size(modelShape), 1, dtype);
  const [latents, noise] = [randomStored(elements, 2, 'f32'), randomStored(elements, 3, 'f32')];
  // Where nothing is drawn, nothing may be read.
  params.forEach((p, b) => {
    if (p.noiseScale === 0) noise.fill(Number.NaN, (b * elements) / batch, ((b + 1) * elements) / batch);
  });
  const records = new Float32Array(batch * STEP_PARAMS_FLOATS);
  for (const [b, p] of params.entries()) packStepParams(p, records, b);
  // What x0 holds before the step is the step before's; NaN where it may not be read.
  const x0Prev = randomStored(elements, 4, 'f32');
  params.forEach((p, b) => {
    if (p.x0PrevCoeff === 0) x0Prev.fill(Number.NaN, (b * elements) / batch, ((b + 1) * elements) / batch);
  });
  const { states } = await runOp({
    dtype,
    inputs: { model, latents, noise, records, x0: x0Prev },
    states: ['latents', 'x0'],
    build(g) {
      const [x, z] = [g.input('latents', shape, 'f32'), g.input('noise', shape, 'f32')];
      g.diffusionStep(g.input('model', modelShape), x, z, g.input('records', [batch, 16], 'f32'), g.state('x0', shape));
      return undefined;
    },
  });
  const conditional = guided ? model.subarray(model.length / 2) : model;
  const reference = addon().diffusionStep(
    latents,
    conditional,
    guided ? model.subarray(0, model.length / 2) : null,
    noise,
    records,
    x0Prev,
    { batch, pixels: elements / batch / channels, channels, outChannels: channels * width },
  );
  // The step itself is f32 whatever the network's type.
  expectWithin('diffusionStep', 'f32', states.latents!, reference);
  expect(errors(states.x0!, cleanReference(shape, params, guided, latents, model)).maxAbs).toBeLessThanOrEqual(1e-5);
}

/** The clipped prediction of x₀ by the formulas of step-params.ts, in f64. */
function cleanReference(
  shape: readonly number[],
  params: readonly StepParams[],
  guided: boolean,
  latents: Float32Array,
  model: Float32Array,
): Float64Array {
  const channels = shape[shape.length - 1]!;
  const modelChannels = (channels * model.length) / latents.length / (guided ? 2 : 1);
  const conditional = guided ? model.length / 2 : 0;
  return Float64Array.from(latents, (x, i) => {
    const p = params[Math.floor((i * shape[0]!) / latents.length)]!;
    const at = Math.floor(i / channels) * modelChannels + (i % channels);
    const c = model[conditional + at]!;
    const out = guided && p.guidanceScale !== 1 ? model[at]! + p.guidanceScale * (c - model[at]!) : c;
    const x0 = (p.x0FromSample * x + p.x0FromOutput * out) / p.x0Divisor;
    return p.clipRange > 0 ? Math.min(Math.max(x0, -p.clipRange), p.clipRange) : x0;
  });
}

/** Records of steps 3 and last of a 5-step run, with guidance and without. */
function paramsOf(config: Record<string, unknown>, learned: boolean): StepParams[] {
  const schedule = UnClipSchedule.fromJson({ ...config, ...(learned ? { variance_type: 'learned_range' } : {}) });
  const steps = schedule.steps(5);
  return [
    { ...schedule.params(steps[2]!), guidanceScale: 8 },
    { ...schedule.params(steps[4]!), guidanceScale: 1, outputClip: 1 },
    { ...schedule.params(steps[1]!), guidanceScale: 4 },
  ];
}

describe.each(DTYPES)('diffusion step in %s', (dtype) => {
  const epsilon = { prediction_type: 'epsilon', clip_sample_range: 1 };
  const sample = { prediction_type: 'sample', clip_sample_range: 5 };
  it.each([
    ['ε, learned variance, guided', [3, 5, 4, 3], epsilon, true, true],
    ['ε, learned variance, guided, in vec4s', [3, 5, 4, 4], epsilon, true, true],
    ['ε, fixed variance', [3, 7, 3, 3], epsilon, false, false],
    ['ε, fixed variance, variance channels ignored', [3, 3, 3, 8], epsilon, false, true],
    ['x₀ of an embedding, guided', [3, 16], sample, true, false],
    ['x₀ of an embedding of odd width', [3, 13], sample, true, false],
  ] as const)('%s', async (name, shape, config, guided, learned) => {
    const params = paramsOf(config, learned && !name.includes('ignored'));
    await checkStep({ shape, params, guided, learned }, dtype);
  });
});

describe.each(DTYPES)('steps of other samplers in %s', (dtype) => {
  const epsilon = { prediction_type: 'epsilon', clip_sample_range: 1, variance_type: 'learned_range' };
  const sample = { prediction_type: 'sample', clip_sample_range: 5 };
  const choices: SamplingChoice[] = [
    { sampler: 'ddim', eta: 0.5 },
    { sampler: 'dpm++2m' },
    { sampler: 'dpm++2m', spacing: 'karras' },
    { sampler: 'euler' },
  ];
  it.each([
    ['ε, variance channels ignored, guided', [4, 5, 4, 3], epsilon, true, true],
    ['x₀ of an embedding, in vec4s', [4, 24], sample, false, false],
  ] as const)('%s', async (_, shape, config, guided, learned) => {
    const schedule = UnClipSchedule.fromJson(config);
    // Each image of the batch takes another sampler's step.
    for (const index of [1, 2]) {
      const params = choices.map((choice) =>
        schedule.params(samplerSteps(schedule, 5, choice)[index]!, { guidanceScale: guided ? 4 : 1 }),
      );
      expect(params.map((p) => p.x0PrevCoeff < 0)).toEqual([false, true, true, false]);
      expect(params.map((p) => p.noiseScale)).toEqual([1, 0, 0, 0]);
      await checkStep({ shape, params, guided, learned }, dtype);
    }
  });
});

describe('operands that do not fit', () => {
  const g = new GraphBuilder('test', { dtype: 'f32' });
  const [x, z] = [g.input('x', [2, 4, 3], 'f32'), g.input('z', [2, 4, 3], 'f32')];
  const [records, x0] = [g.input('p', [2, 16], 'f32'), g.state('x0', [2, 4, 3])];
  it.each([
    ['model output of three halves', () => g.diffusionStep(g.input('m', [6, 4, 3]), x, z, records, x0)],
    ['model output of other positions', () => g.diffusionStep(g.input('m', [2, 5, 3]), x, z, records, x0)],
    ['noise of another shape', () => g.diffusionStep(x, x, g.input('n', [2, 4, 4], 'f32'), records, x0)],
    ['short records', () => g.diffusionStep(x, x, z, g.input('q', [2, 12], 'f32'), x0)],
    ['dim 1', () => g.timestepEmbedding(records, 1, { flipSinToCos: true, freqShift: 0 })],
    ['dim 8200', () => g.timestepEmbedding(records, 8200, { flipSinToCos: true, freqShift: 0 })],
  ])('%s', (_, build) => {
    expect(build).toThrow(expect.objectContaining({ code: 'GRAPH_INVALID' }));
  });
});

import { describe, expect, it } from 'vitest';
import { imageSeed } from '../../src/ts/diffusion/image-seed.js';
import { UnClipSchedule } from '../../src/ts/diffusion/schedule.js';
import { packStepParams, STEP_FIELD, STEP_PARAMS_FLOATS } from '../../src/ts/diffusion/step-params.js';
import { stepReference } from '../../src/ts/diffusion/step-reference.js';

describe('step records', () => {
  const schedule = UnClipSchedule.fromJson({ variance_type: 'learned_range' });

  it('are packed one after another, with zero padding', () => {
    const [first, second] = schedule.steps(25).map((step) => schedule.params(step, { guidanceScale: 8 }));
    const target = new Float32Array(2 * STEP_PARAMS_FLOATS).fill(Number.NaN);
    packStepParams(first!, target, 0);
    packStepParams(second!, target, 1);
    for (const [name, index] of Object.entries(STEP_FIELD)) {
      expect(target[index]).toBe(first![name as keyof typeof STEP_FIELD]);
      expect(target[STEP_PARAMS_FLOATS + index]).toBe(second![name as keyof typeof STEP_FIELD]);
    }
    expect([15, 31].map((index) => target[index])).toEqual([0, 0]);
  });

  it('carry the cancelled f32 coefficients of short runs', () => {
    const coefficient = (n: number) => schedule.steps(n)[0]!.xtCoeff;
    expect(coefficient(2)).toBe(0);
    expect(coefficient(5)).toBe(0);
    expect(coefficient(7)).toBeCloseTo(2.28e-4, 6);
    expect(schedule.steps(5).at(-1)!.x0Coeff).toBeCloseTo(0.99947, 5);
    expect(schedule.steps(5).at(-1)!.xtCoeff).toBe(0);
  });
});

describe('stepReference', () => {
  const sample = Float32Array.of(0.5, -0.5, 0.25, 4);

  it('guides the mean, takes the variance from the conditional half and clamps the new sample', () => {
    const schedule = UnClipSchedule.fromJson({
      variance_type: 'learned_range',
      prediction_type: 'sample',
      clip_sample: false,
    });
    const step = schedule.steps(10)[4]!;
    const params = schedule.params(step, { guidanceScale: 2, outputClip: 1 });
    // Two pixels of two channels; each pixel of the output holds two means, then two variance values.
    const conditional = Float32Array.of(0.5, 1, -1, 1, 0.5, 9, -1, 1);
    const unconditional = Float32Array.of(0.25, 0, 7, 7, 0.25, 0, 7, 7);
    const noise = Float32Array.of(-1, 1, 0, 0);
    const { sample: next, x0 } = stepReference(params, { sample, conditional, unconditional, noise, channels: 2 });
    expect(Array.from(x0)).toEqual([0.75, 2, 0.75, 18]);
    expect(next[0]).toBeCloseTo(params.x0Coeff * 0.75 + params.xtCoeff * 0.5 - Math.exp(params.logVarMin / 2), 6);
    expect(next[2]).toBeCloseTo(params.x0Coeff * 0.75 + params.xtCoeff * 0.25, 6);
    expect(next[3]).toBe(1);
  });

  it('needs neither noise at t == 0 nor an unconditional half without guidance', () => {
    const schedule = UnClipSchedule.fromJson({});
    const params = schedule.params(schedule.steps(2)[1]!);
    expect(stepReference(params, { sample, conditional: sample }).sample).toHaveLength(4);
    expect(() => stepReference({ ...params, noiseScale: 1 }, { sample, conditional: sample })).toThrow(RangeError);
    expect(() => stepReference({ ...params, guidanceScale: 2 }, { sample, conditional: sample })).toThrow(RangeError);
  });
});

describe('the x0 of the step before', () => {
  const schedule = UnClipSchedule.fromJson({ prediction_type: 'sample', clip_sample: false });
  const params = { ...schedule.params(schedule.steps(4)[3]!), x0Coeff: 1.5, xtCoeff: 0.25, x0PrevCoeff: -0.5 };
  const [sample, predicted, x0Prev] = [Float32Array.of(1, 2), Float32Array.of(4, 8), Float32Array.of(2, -2)];

  it('is weighed in, and read only where it has a weight', () => {
    const { sample: next, x0 } = stepReference(params, { sample, conditional: predicted, x0Prev });
    expect(Array.from(next)).toEqual([6 + 0.25 - 1, 12 + 0.5 + 1]);
    expect(x0).toEqual(predicted);
    expect(() => stepReference(params, { sample, conditional: predicted })).toThrow(RangeError);
    const first = stepReference({ ...params, x0PrevCoeff: 0 }, { sample, conditional: predicted });
    expect(Array.from(first.sample)).toEqual([6.25, 12.5]);
  });
});

describe('imageSeed', () => {
  it('gives image k the seed + k in 32 bits', () => {
    expect(imageSeed(7, 3)).toBe(10);
    expect(imageSeed(2 ** 32 - 1, 1)).toBe(0);
    expect(imageSeed(Number.MAX_SAFE_INTEGER, 2)).toBe(1);
    for (const seed of [-1, 1.5, Number.NaN, 2 ** 53]) {
      expect(() => imageSeed(seed, 0)).toThrow(expect.objectContaining({ code: 'INPUT_INVALID' }));
    }
  });
});

import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import { UnClipSchedule } from '../../src/ts/diffusion/schedule.js';
import { stepReference } from '../../src/ts/diffusion/step-reference.js';
import { readSafetensors } from '../support/safetensors.js';

const CONFIGS = {
  prior: { prediction_type: 'sample', clip_sample_range: 5, variance_type: 'fixed_small_log' },
  decoder: { prediction_type: 'epsilon', clip_sample_range: 1, variance_type: 'learned_range' },
  super_res: { prediction_type: 'epsilon', clip_sample_range: 1, variance_type: 'fixed_small_log' },
} as const;
const ROLES = Object.keys(CONFIGS) as (keyof typeof CONFIGS)[];
const RUNS = ROLES.flatMap((role) => [2, 5, 7, 25].map((steps) => [role, steps] as const));

/** NCHW of one image to channels last. */
function channelsLast(data: Float32Array, channels: number): Float32Array {
  const pixels = data.length / channels;
  return Float32Array.from(
    { length: data.length },
    (_, i) => data[(i % channels) * pixels + Math.floor(i / channels)]!,
  );
}

function maxError(a: ArrayLike<number>, b: ArrayLike<number>): number {
  expect(a.length).toBe(b.length);
  return Array.from(a).reduce((max, value, i) => Math.max(max, Math.abs(value - b[i]!)), 0);
}

const FIXTURES = join(import.meta.dirname, '..', 'fixtures');

describe('UnClipSchedule against diffusers 0.21.4', () => {
  const file = readSafetensors(join(FIXTURES, 'schedule', 'unclip_schedule.safetensors'));

  it('has the same f32 tables, bit for bit', () => {
    const schedule = UnClipSchedule.fromJson({});
    expect(schedule.betas).toEqual(file.f32('betas'));
    expect(schedule.alphas).toEqual(file.f32('alphas'));
    expect(schedule.alphasCumprod).toEqual(file.f32('alphas_cumprod'));
  });

  it.each(RUNS)('%s with %i steps has the same timesteps and coefficients', (role, n) => {
    const steps = UnClipSchedule.fromJson(CONFIGS[role]).steps(n);
    const of = (name: string) => file.numbers(`${role}.${n}.${name}`);
    expect(steps.map((s) => s.timestep)).toEqual(of('timesteps'));
    expect(steps.map((s) => s.prevTimestep)).toEqual(of('prev_timesteps'));
    expect(steps.map((s) => s.alphaBar)).toEqual(of('alpha_prod_t'));
    expect(steps.map((s) => s.alphaBarPrev)).toEqual(of('alpha_prod_t_prev'));
    expect(steps.map((s) => s.beta)).toEqual(of('beta'));
    expect(steps.map((s) => s.alpha)).toEqual(of('alpha'));
    expect(steps.map((s) => s.x0Coeff)).toEqual(of('x0_coeff'));
    expect(steps.map((s) => s.xtCoeff)).toEqual(of('xt_coeff'));
    if (role === 'decoder') {
      expect(
        maxError(
          steps.map((s) => s.logVarMin),
          of('log_var_min'),
        ),
      ).toBeLessThan(1e-6);
      expect(
        maxError(
          steps.map((s) => s.logVarMax),
          of('log_var_max'),
        ),
      ).toBeLessThan(1e-6);
    } else {
      expect(
        maxError(
          steps.map((s) => s.std),
          of('std'),
        ),
      ).toBeLessThan(1e-7);
    }
  });

  it.each(RUNS)('%s with %i steps: every step of the stored chain is replayed', (role, n) => {
    const schedule = UnClipSchedule.fromJson(CONFIGS[role]);
    const channels = 3;
    const outputs = file.f32(`${role}.${n}.step.model_outputs`);
    const noise = file.f32(`${role}.${n}.step.noise`);
    const samples = file.f32(`${role}.${n}.step.samples`);
    const outChannels = schedule.learnedVariance ? 2 * channels : channels;
    const elements = channels * 16;
    const part = (data: Float32Array, i: number, c: number) =>
      channelsLast(data.subarray(i * c * 16, (i + 1) * c * 16), c);
    let chained = part(samples, 0, channels);
    for (const step of schedule.steps(n)) {
      const params = schedule.params(step);
      const inputs = {
        conditional: part(outputs, step.index, outChannels),
        noise: part(noise, step.index, channels),
        channels,
      };
      const forced = stepReference(params, { sample: part(samples, step.index, channels), ...inputs });
      const expected = part(samples, step.index + 1, channels);
      expect(forced.sample.length).toBe(elements);
      expect(maxError(forced.sample, expected)).toBeLessThan(1e-6);
      chained = stepReference(params, { sample: chained, ...inputs }).sample;
      expect(maxError(chained, expected)).toBeLessThan(1e-6);
    }
  });

  it('has the guided prior steps of a whole run', () => {
    const t2i = readSafetensors(join(FIXTURES, 'unclip-t2i', 'golden', 'run_a.safetensors'));
    const schedule = UnClipSchedule.load(join(FIXTURES, 'unclip-t2i', 'model', 'prior_scheduler'));
    const n = t2i.numbers('prior.timesteps').length;
    const steps = schedule.steps(n);
    expect(steps.map((s) => s.timestep)).toEqual(t2i.numbers('prior.timesteps'));
    let checked = 0;
    for (const step of steps) {
      const before = step.index === 0 ? 'prior.init_noise' : `prior.latents.${step.index - 1}`;
      const after = `prior.latents.${step.index}`;
      const raw = `prior.raw_output.${step.index}`;
      if (![before, after, raw].every((name) => t2i.names.includes(name))) continue;
      const both = t2i.f32(raw);
      const half = both.length / 2;
      const { sample } = stepReference(schedule.params(step, { guidanceScale: 4 }), {
        sample: t2i.f32(before),
        unconditional: both.subarray(0, half),
        conditional: both.subarray(half),
        noise: step.timestep > 0 ? t2i.f32(`prior.noise.${step.index}`) : undefined,
      });
      expect(maxError(sample, t2i.f32(after))).toBeLessThan(2e-6);
      checked++;
    }
    expect(checked).toBeGreaterThan(0);
  });
});

describe('UnClipSchedule', () => {
  const schedule = UnClipSchedule.fromJson({ _class_name: 'UnCLIPScheduler', _note: 1 });

  it('runs from the noisiest timestep to 0 for any number of steps', () => {
    for (const n of [2, 3, 4, 10, 27, 999, 1000]) {
      const timesteps = schedule.timesteps(n);
      expect(timesteps[0]).toBe(999);
      expect(timesteps.at(-1)).toBe(0);
      expect(timesteps.every((t, i) => i === 0 || t < timesteps[i - 1]!)).toBe(true);
    }
  });

  it('rounds halves to even as numpy does', () => {
    expect(schedule.timesteps(3)).toEqual([999, 500, 0]);
    expect(schedule.timesteps(7)).toEqual([999, 832, 666, 500, 333, 166, 0]);
  });

  it.each([1, 0, -3, 2.5, Number.NaN, 1001])('refuses %d steps', (n) => {
    expect(() => schedule.timesteps(n)).toThrow(
      expect.objectContaining({ code: 'INPUT_INVALID', message: expect.stringContaining('at least 2') }),
    );
  });

  it('gives finite records, and no noise at t == 0', () => {
    for (const config of Object.values(CONFIGS)) {
      const s = UnClipSchedule.fromJson({ ...config, clip_sample: false });
      for (const n of [2, 3, 25, 1000]) {
        const records = s.steps(n).map((step) => s.params(step, { guidanceScale: 3, outputClip: 1 }));
        expect(records.flatMap((record) => Object.values(record)).every(Number.isFinite)).toBe(true);
        expect(records.map((record) => record.noiseScale)).toEqual([...Array(n - 1).fill(1), 0]);
        expect(records.every((record) => record.clipRange === 0 && record.outputClip === 1)).toBe(true);
      }
    }
  });

  it.each([
    [{ thresholding: true }, 'thresholding'],
    [{ beta_schedule: 'linear' }, 'beta_schedule'],
    [{ prediction_type: 'v_prediction' }, 'prediction_type'],
    [{ variance_type: 'fixed_large' }, 'variance_type'],
    [{ clip_sample_range: -1 }, 'clip_sample_range'],
    [{ num_train_timesteps: 1 }, 'num_train_timesteps'],
    [{ clip_sample: 'yes' }, 'clip_sample'],
    [{ _class_name: 'DDPMScheduler' }, '_class_name'],
    [[], 'JSON object'],
    [null, 'JSON object'],
  ])('refuses the config %j', (config, key) => {
    expect(() => UnClipSchedule.fromJson(config)).toThrow(
      expect.objectContaining({ code: 'MODEL_CONFIG_INVALID', message: expect.stringContaining(key) }),
    );
  });

  it('says which file is missing', () => {
    expect(() => UnClipSchedule.load('no-such-folder')).toThrow(
      expect.objectContaining({ code: 'MODEL_FILE_MISSING' }),
    );
  });
});

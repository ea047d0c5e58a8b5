import { describe, expect, it } from 'vitest';
import {
  checkSampling,
  SAMPLERS,
  type SamplingChoice,
  samplerSteps,
} from '../../src/ts/diffusion/samplers/registry.js';
import { UnClipSchedule } from '../../src/ts/diffusion/schedule.js';
import { SPACINGS, sigmaOf, spacedLevels, spacedTimesteps } from '../../src/ts/diffusion/spacing.js';
import { stepReference } from '../../src/ts/diffusion/step-reference.js';
import { TorchGenerator } from '../../src/ts/native/torch-generator.js';
import { mixture, orderOf, runExactly, solveFlow } from '../support/analytic-diffusion.js';

const schedule = UnClipSchedule.fromJson({ clip_sample: false });

/** Standard normal draws, one after another. */
function normals(seed: number): () => number {
  const generator = new TorchGenerator(seed);
  let drawn: Float32Array = new Float32Array(0);
  let next = 0;
  return () => {
    if (next === drawn.length) [drawn, next] = [generator.randn([4096]), 0];
    return drawn[next++]!;
  };
}

const BLOBS = mixture([
  { weight: 0.3, mean: [-0.6, 0.2], deviation: 0.25 },
  { weight: 0.45, mean: [0.5, 0.5], deviation: 0.15 },
  { weight: 0.25, mean: [0.1, -0.7], deviation: 0.3 },
]);

const STARTS = [
  [0.4, -1.1],
  [-0.3, 0.7],
  [1.2, 0.1],
  [-1.5, -0.4],
];

/** Root mean square distance from where the probability-flow ODE leads, which Runge–Kutta finds to 1e-7. */
function flowError(choice: SamplingChoice, steps: number): number {
  const list = samplerSteps(schedule, steps, choice);
  const first = list[0]!;
  const squares = STARTS.map((start) => {
    const scaled = start.map((v) => v / Math.sqrt(first.alphaBar));
    const exact = solveFlow(BLOBS, scaled, sigmaOf(first), 1e-4, 2000);
    return runExactly(list, BLOBS, start).reduce((sum, v, d) => sum + (v - exact[d]!) ** 2, 0);
  });
  return Math.sqrt(squares.reduce((a, b) => a + b, 0) / STARTS.length);
}

describe('order of convergence on a mixture of Gaussians', () => {
  const counts = [20, 40, 80, 160];
  it.each([
    ['ddim', 'uniform', 0.9, 1.1],
    ['ddim', 'leading', 0.9, 1.1],
    ['ddim', 'trailing', 0.9, 1.1],
    ['ddim', 'karras', 0.9, 1.15],
    ['euler', 'karras', 0.9, 1.15],
    ['dpm++2m', 'trailing', 1.8, 2.4],
    ['dpm++2m', 'karras', 1.8, 2.4],
    // The last step but one spans the gap from timestep 999/(n − 1) to 0, in log σ far more than any before it.
    ['dpm++2m', 'uniform', 1.4, 2.4],
  ] as const)('%s, %s spacing', (sampler, spacing, least, most) => {
    const order = orderOf(
      counts,
      counts.map((n) => flowError({ sampler, spacing }, n)),
    );
    expect(order).toBeGreaterThan(least);
    expect(order).toBeLessThan(most);
  });

  it('the second-order solver is nearer than the first-order ones at 20 steps', () => {
    const error = (sampler: SamplingChoice['sampler']) => flowError({ sampler, spacing: 'karras' }, 20);
    expect(error('dpm++2m')).toBeLessThan(0.5 * error('ddim'));
  });
});

describe('one Gaussian, whose flow is known in closed form', () => {
  const [mean, deviation] = [0.3, 0.2];
  const gaussian = mixture([{ weight: 1, mean: [mean], deviation }]);

  it('deterministic samplers carry the start to mean + deviation · (y − mean)/√(deviation² + σ²)', () => {
    for (const sampler of ['ddim', 'dpm++2m', 'euler'] as const) {
      const steps = samplerSteps(schedule, 400, { sampler, spacing: 'karras' });
      const { alphaBar } = steps[0]!;
      const start = 0.8;
      const y = start / Math.sqrt(alphaBar);
      const exact = mean + (deviation * (y - mean)) / Math.hypot(deviation, sigmaOf(steps[0]!));
      expect(Math.abs(runExactly(steps, gaussian, [start])[0]! - exact)).toBeLessThan(2e-3);
    }
  });

  /** Mean and deviation of what a run ends with, from standard normal noise. Every step is affine here, so both are exact. */
  function moments(choice: SamplingChoice, count: number): { mean: number; deviation: number } {
    const steps = samplerSteps(schedule, count, choice);
    let m = { mean: 0, variance: 1 };
    for (const step of steps) {
      const [at0, at1] = [0, 1].map((x) => runExactly([step], gaussian, [x], () => 0)[0]!) as [number, number];
      m = { mean: at0 + (at1 - at0) * m.mean, variance: (at1 - at0) ** 2 * m.variance + step.std ** 2 };
    }
    return { mean: m.mean, deviation: Math.sqrt(m.variance) };
  }

  it.each([
    [{ sampler: 'ddim', eta: 1 }],
    [{ sampler: 'ddim', eta: 0.5 }],
    [{ sampler: 'unclip' }],
    [{ sampler: 'unclip', spacing: 'trailing' }],
  ] as const)('%j converges in distribution, with order 0.9 in this range', (choice) => {
    const counts = [125, 250, 500, 1000];
    const errors = counts.map((n) => {
      const m = moments(choice, n);
      expect(Math.abs(m.mean - mean)).toBeLessThan(0.01);
      return Math.abs(m.deviation - deviation);
    });
    expect(errors.at(-1)).toBeLessThan(0.015 * deviation);
    const order = orderOf(counts, errors);
    expect(order).toBeGreaterThan(0.8);
    expect(order).toBeLessThan(1.1);
  });
});

describe('noisy samplers on the mixture', () => {
  it.each([[{ sampler: 'ddim', eta: 1 }], [{ sampler: 'unclip' }]] as const)('%j has its moments', (choice) => {
    const steps = samplerSteps(schedule, 100, choice);
    const draw = normals(7);
    const count = 3000;
    const points = Array.from({ length: count }, () => runExactly(steps, BLOBS, [draw(), draw()], draw));
    const average = (of: (p: readonly number[]) => number): number => points.reduce((sum, p) => sum + of(p), 0) / count;
    // Of the mixture itself: mean (0.07, 0.11), E[x²] and E[y²] by component mean² + deviation².
    const secondX = 0.3 * (0.36 + 0.0625) + 0.45 * (0.25 + 0.0225) + 0.25 * (0.01 + 0.09);
    const secondY = 0.3 * (0.04 + 0.0625) + 0.45 * (0.25 + 0.0225) + 0.25 * (0.49 + 0.09);
    const product = 0.3 * -0.12 + 0.45 * 0.25 + 0.25 * -0.07;
    // Four standard errors of 3000 draws are 0.037 and 0.023 here.
    expect(Math.abs(average((p) => p[0]!) - 0.07)).toBeLessThan(0.04);
    expect(Math.abs(average((p) => p[1]!) - 0.11)).toBeLessThan(0.04);
    expect(Math.abs(average((p) => p[0]! ** 2) - secondX)).toBeLessThan(0.025);
    expect(Math.abs(average((p) => p[1]! ** 2) - secondY)).toBeLessThan(0.025);
    expect(Math.abs(average((p) => p[0]! * p[1]!) - product)).toBeLessThan(0.025);
  });
});

describe('relations between samplers', () => {
  it('Euler in σ and DDIM without noise are the same steps', () => {
    for (const spacing of SPACINGS) {
      const [ddim, euler] = (['ddim', 'euler'] as const).map((sampler) =>
        samplerSteps(schedule, 9, { sampler, spacing }),
      );
      euler!.forEach((step, i) => {
        expect(step.x0Coeff).toBeCloseTo(ddim![i]!.x0Coeff, 10);
        expect(step.xtCoeff).toBeCloseTo(ddim![i]!.xtCoeff, 10);
      });
    }
  });

  it('DDIM with η = 1 has the ancestral posterior, but for f32', () => {
    const ancestral = samplerSteps(schedule, 25);
    const ddim = samplerSteps(schedule, 25, { sampler: 'ddim', spacing: 'uniform', eta: 1 });
    ancestral.slice(0, -1).forEach((step, i) => {
      for (const key of ['timestep', 'x0Coeff', 'xtCoeff', 'std'] as const)
        expect(Math.abs(step[key] - ddim[i]![key])).toBeLessThan(1e-4);
    });
  });

  it('every sampler but the ancestral one ends with x₀ itself and draws nothing there', () => {
    for (const sampler of ['ddim', 'dpm++2m', 'euler'] as const)
      for (const spacing of SPACINGS) {
        const last = samplerSteps(schedule, 6, { sampler, spacing }).at(-1)!;
        expect([last.x0Coeff, last.xtCoeff, last.x0PrevCoeff, last.noisy]).toEqual([1, 0, expect.closeTo(0), false]);
      }
  });
});

describe('records for the kernel', () => {
  it.each(['epsilon', 'sample'])('lead in f32 where the coefficients lead in f64, %s prediction', (prediction_type) => {
    const s = UnClipSchedule.fromJson({ clip_sample: false, prediction_type });
    for (const sampler of SAMPLERS) {
      // Karras' levels begin where ε can still be told from x: from 4.9e-5·x₀ in the first timestep it cannot in f32.
      const spacing = sampler === 'unclip' ? 'leading' : 'karras';
      const steps = samplerSteps(s, 12, { sampler, spacing });
      const draws = normals(3);
      const noises = steps.map(() => [draws(), draws()]);
      let sample: Float32Array = Float32Array.of(0.5, -0.8);
      let x0Prev: Float32Array = new Float32Array(2).fill(Number.NaN);
      for (const [i, step] of steps.entries()) {
        const scale = Math.sqrt(step.alphaBar);
        const clean = BLOBS.denoise(
          Array.from(sample, (v) => v / scale),
          sigmaOf(step),
        );
        const output = clean.map((v, d) =>
          prediction_type === 'sample' ? v : (sample[d]! - scale * v) / Math.sqrt(1 - step.alphaBar),
        );
        const record = s.params(step);
        expect(Object.values(record).every((v) => Math.fround(v) === v)).toBe(true);
        const { sample: next, x0 } = stepReference(record, {
          sample,
          conditional: Float32Array.from(output),
          noise: Float32Array.from(noises[i]!),
          x0Prev,
        });
        [sample, x0Prev] = [next, x0];
      }
      const flat = noises.flat();
      let at = 0;
      const exact = runExactly(steps, BLOBS, [0.5, -0.8], () => flat[at++]!);
      exact.forEach((v, d) => {
        expect(Math.abs(sample[d]! - v)).toBeLessThan(2e-4);
      });
    }
  });
});

describe('spacing', () => {
  it('leading and trailing are those of diffusers', () => {
    expect(spacedTimesteps(schedule, 10, 'leading')).toEqual([900, 800, 700, 600, 500, 400, 300, 200, 100, 0]);
    expect(spacedTimesteps(schedule, 10, 'trailing')).toEqual([999, 899, 799, 699, 599, 499, 399, 299, 199, 99]);
    expect(spacedTimesteps(schedule, 7, 'trailing')).toEqual([999, 856, 713, 570, 428, 285, 142]);
    expect(spacedTimesteps(schedule, 1000, 'trailing')).toEqual(spacedTimesteps(schedule, 1000, 'uniform'));
  });

  it('karras spreads σ^(1/7) evenly, from 80 to that of timestep 0, at timesteps of those σ', () => {
    const levels = spacedLevels(schedule, 15, 'karras');
    const roots = levels.map((level) => sigmaOf(level) ** (1 / 7));
    expect(sigmaOf(levels[0]!)).toBeCloseTo(80, 6);
    expect(levels.at(-1)!.timestep).toBeCloseTo(0, 9);
    const gap = (roots[0]! - roots.at(-1)!) / 14;
    for (let i = 1; i < roots.length; i++) expect(roots[i - 1]! - roots[i]!).toBeCloseTo(gap, 9);
    for (const level of levels.slice(1, -1)) {
      const [below, above] = [Math.floor(level.timestep), Math.ceil(level.timestep)].map((timestep) =>
        sigmaOf({ timestep, alphaBar: schedule.alphasCumprod[timestep]! }),
      );
      expect(below).toBeLessThanOrEqual(sigmaOf(level));
      expect(above).toBeGreaterThanOrEqual(sigmaOf(level));
    }
  });

  it('falls strictly for any number of steps', () => {
    for (const spacing of SPACINGS)
      for (const steps of [2, 3, 7, 333, 999, 1000]) {
        const levels = spacedLevels(schedule, steps, spacing);
        expect(levels).toHaveLength(steps);
        expect(levels.every(({ timestep }, i) => i === 0 || timestep < levels[i - 1]!.timestep)).toBe(true);
      }
  });
});

describe('choices that mean nothing', () => {
  it.each([
    [{ sampler: 'heun' }, 'unclip, ddim, dpm++2m, euler'],
    [{ spacing: 'karras' }, 'uniform, leading, trailing'],
    [{ sampler: 'ddim', spacing: 'cosine' }, 'cosine'],
    [{ sampler: 'unclip', eta: 0.5 }, 'ddim does'],
    [{ sampler: 'euler', eta: 0 }, 'ddim does'],
    [{ sampler: 'ddim', eta: 1.5 }, '0 to 1'],
    [{ sampler: 'ddim', eta: Number.NaN }, '0 to 1'],
    [{ sampler: 'toString' }, 'give unclip'],
  ])('%j is refused', (choice, words) => {
    expect(() => checkSampling(choice as SamplingChoice)).toThrow(
      expect.objectContaining({ code: 'INPUT_INVALID', message: expect.stringContaining(words) }),
    );
  });

  it.each(SPACINGS)('numbers of steps that the schedule does not have, %s', (spacing) => {
    for (const steps of [1, 0, 2.5, 1001])
      expect(() => spacedLevels(schedule, steps, spacing)).toThrow(expect.objectContaining({ code: 'INPUT_INVALID' }));
  });
});

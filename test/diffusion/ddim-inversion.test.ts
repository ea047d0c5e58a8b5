import { describe, expect, it } from 'vitest';
import { ddimInversion, type InversionRung } from '../../src/ts/diffusion/samplers/ddim-inversion.js';
import { samplerSteps } from '../../src/ts/diffusion/samplers/registry.js';
import { UnClipSchedule } from '../../src/ts/diffusion/schedule.js';
import { SPACINGS, type Spacing, sigmaOf } from '../../src/ts/diffusion/spacing.js';
import type { StepCoefficients } from '../../src/ts/diffusion/step-coefficients.js';
import { type Analytic, mixture, orderOf, runExactly, solveFlow } from '../support/analytic-diffusion.js';

const schedule = UnClipSchedule.fromJson({ clip_sample: false });

const BLOBS = mixture([
  { weight: 0.3, mean: [-0.6, 0.2], deviation: 0.25 },
  { weight: 0.45, mean: [0.5, 0.5], deviation: 0.15 },
  { weight: 0.25, mean: [0.1, -0.7], deviation: 0.3 },
]);

const PICTURES = [
  [-0.5, 0.3],
  [0.55, 0.42],
  [0.1, 0.1],
  [0.2, -0.9],
];

/** One step in f64 with a perfect network; `anchor` is what the kernel reads as noise. */
function apply(step: StepCoefficients, data: Analytic, x: readonly number[], anchor: readonly number[]): number[] {
  const [clean] = [
    data.denoise(
      x.map((v) => v / Math.sqrt(step.alphaBar)),
      sigmaOf(step),
    ),
  ];
  return x.map((v, d) => step.x0Coeff * clean![d]! + step.xtCoeff * v + (step.noisy ? step.std * anchor[d]! : 0));
}

function invert(rungs: readonly InversionRung[], data: Analytic, picture: readonly number[], rounds: number): number[] {
  let below = [...picture];
  for (const { to, climb } of rungs) {
    const anchor = below;
    let x = climb ? apply(climb.predict, data, below, []) : below.map((v) => v * Math.sqrt(to.alphaBar));
    for (let i = 0; climb && i < rounds; i++) x = apply(climb.refine, data, x, anchor);
    below = x;
  }
  return below;
}

/** Root mean square distance of pictures from what DDIM makes of their x_T. */
function roundTrip(steps: number, spacing: Spacing, rounds: number): number {
  const rungs = ddimInversion(schedule, steps, spacing);
  const down = samplerSteps(schedule, steps, { sampler: 'ddim', spacing });
  const squares = PICTURES.map((picture) => {
    const back = runExactly(down, BLOBS, invert(rungs, BLOBS, picture, rounds));
    return back.reduce((sum, v, d) => sum + (v - picture[d]!) ** 2, 0);
  });
  return Math.sqrt(squares.reduce((a, b) => a + b, 0) / PICTURES.length);
}

describe('DDIM inversion', () => {
  it('climbs the levels of the sampler in reverse order', () => {
    for (const spacing of SPACINGS) {
      const down = samplerSteps(schedule, 8, { sampler: 'ddim', spacing: spacing });
      const rungs = ddimInversion(schedule, 8, spacing);
      expect(rungs.map((rung) => rung.to.timestep)).toEqual(down.map((step) => step.timestep).reverse());
      expect(rungs.slice(1).map((rung) => rung.climb!.refine.timestep)).toEqual(
        rungs.slice(1).map((rung) => rung.to.timestep),
      );
      expect(rungs.map((rung) => rung.climb?.predict.timestep)).toEqual([
        undefined,
        ...rungs.slice(0, -1).map((rung) => rung.to.timestep),
      ]);
    }
  });

  it('by itself returns to the picture with an error of first order', () => {
    const counts = [20, 40, 80, 160];
    const errors = counts.map((n) => roundTrip(n, 'uniform', 0));
    expect(orderOf(counts, errors)).toBeGreaterThan(0.85);
    expect(errors.at(-1)).toBeLessThan(0.02);
  });

  it('refined returns with less of an error each round, at few steps too', () => {
    for (const steps of [10, 20, 50]) {
      const errors = [0, 1, 2, 4, 8].map((rounds) => roundTrip(steps, 'uniform', rounds));
      for (let i = 1; i < errors.length; i++) expect(errors[i]!).toBeLessThan(0.8 * errors[i - 1]!);
      expect(errors.at(-1)).toBeLessThan(0.05 * errors[0]!);
    }
  });

  it('finds the x_T of the exact flow', () => {
    const x = invert(ddimInversion(schedule, 200, 'karras'), BLOBS, [0.2, -0.9], 3);
    const { to } = ddimInversion(schedule, 200, 'karras').at(-1)!;
    const y = x.map((v) => v / Math.sqrt(to.alphaBar));
    const back = solveFlow(BLOBS, y, sigmaOf(to), 1e-4, 4000);
    expect(Math.hypot(back[0]! - 0.2, back[1]! + 0.9)).toBeLessThan(0.02);
  });
});

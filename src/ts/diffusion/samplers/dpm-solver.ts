import { CLEAN, sigmaOf, spacedLevels } from '../spacing.js';
import { PLAIN_STEP, type SamplingMethod } from './sampling-method.js';

/**
 * DPM-Solver++(2M) (arXiv 2211.01095, algorithm 2): multistep, of second order in λ = log(√ᾱ/√(1 − ᾱ)) = −log σ. With
 * h = λ' − λ and r = (h of the step before)/h,
 *
 *   x' = √(1 − ᾱ')/√(1 − ᾱ)·x + √ᾱ'·(1 − e^(−h))·D,  D = (1 + 1/(2r))·x₀ − 1/(2r)·x₀ of the step before.
 *
 * The first step has no step before it, and the last goes to λ = ∞: both are of first order, D = x₀.
 */
export const dpmSolverPlusPlus2M: SamplingMethod = {
  spacings: ['trailing', 'uniform', 'leading', 'karras'],
  hasEta: false,
  steps(schedule, steps, { spacing }) {
    const levels = spacedLevels(schedule, steps, spacing);
    const sigmas = [...levels, CLEAN].map(sigmaOf);
    return levels.map((level, index) => {
      const to = levels[index + 1] ?? CLEAN;
      const decay = sigmas[index + 1]! / sigmas[index]!;
      const scale = Math.sqrt(to.alphaBar);
      const gain = scale * (1 - decay);
      const firstOrder = index === 0 || to === CLEAN;
      const r = firstOrder
        ? Number.POSITIVE_INFINITY
        : Math.log(sigmas[index - 1]! / sigmas[index]!) / -Math.log(decay);
      return {
        ...PLAIN_STEP,
        index,
        ...level,
        x0Coeff: gain * (1 + 1 / (2 * r)),
        x0PrevCoeff: firstOrder ? 0 : -gain / (2 * r),
        xtCoeff: (scale * decay) / Math.sqrt(level.alphaBar),
      };
    });
  },
};

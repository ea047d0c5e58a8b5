import { CLEAN, sigmaOf, spacedLevels } from '../spacing.js';
import { PLAIN_STEP, type SamplingMethod } from './sampling-method.js';

/**
 * Euler's method on the probability-flow ODE in σ (Karras et al., arXiv 2206.00364, algorithm 1 without its second-order
 * correction and without churn): y = x/√ᾱ, dy/dσ = (y − x₀)/σ, hence y' = y + (σ' − σ)·(y − x₀)/σ. At the same levels that is
 * DDIM with η = 0 (arXiv 2010.02502, §4.3); what sets it apart here are Karras' levels, its default.
 */
export const euler: SamplingMethod = {
  spacings: ['karras', 'uniform', 'leading', 'trailing'],
  hasEta: false,
  steps(schedule, steps, { spacing }) {
    const levels = spacedLevels(schedule, steps, spacing);
    return levels.map((level, index) => {
      const to = levels[index + 1] ?? CLEAN;
      const kept = sigmaOf(to) / sigmaOf(level);
      const scale = Math.sqrt(to.alphaBar);
      return {
        ...PLAIN_STEP,
        index,
        ...level,
        x0Coeff: scale * (1 - kept),
        xtCoeff: (scale * kept) / Math.sqrt(level.alphaBar),
      };
    });
  },
};

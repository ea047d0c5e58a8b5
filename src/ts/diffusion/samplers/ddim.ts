import { CLEAN, type NoiseLevel, spacedLevels } from '../spacing.js';
import { PLAIN_STEP, type SamplingMethod } from './sampling-method.js';

/**
 * Weights of a DDIM step between two noise levels, in either direction (arXiv 2010.02502, formulas 12 and 16):
 * x' = √ᾱ'·x₀ + √(1 − ᾱ' − s²)·ε + s·z with ε = (x − √ᾱ·x₀)/√(1 − ᾱ), s = η·√((1 − ᾱ')/(1 − ᾱ)·(1 − ᾱ/ᾱ')).
 * ε comes from the clipped x₀ (diffusers' `use_clipped_model_output`), so that x' lies where x₀ and x say.
 * @param from not without noise: x says nothing of ε there
 * @param eta 0 … 1; 0 when `to` is noisier than `from`
 */
export function ddimWeights(
  from: NoiseLevel,
  to: NoiseLevel,
  eta = 0,
): { x0Coeff: number; xtCoeff: number; std: number } {
  // Of two levels only the one with less noise has room for some more: upwards the root would be of a negative number.
  const room = Math.max(0, 1 - from.alphaBar / to.alphaBar);
  const std = eta * Math.sqrt(((1 - to.alphaBar) / (1 - from.alphaBar)) * room);
  const xtCoeff = Math.sqrt(Math.max(0, 1 - to.alphaBar - std ** 2) / (1 - from.alphaBar));
  return { x0Coeff: Math.sqrt(to.alphaBar) - Math.sqrt(from.alphaBar) * xtCoeff, xtCoeff, std };
}

/**
 * Denoising diffusion implicit models (arXiv 2010.02502): deterministic for η = 0, as noisy as ancestral sampling for η = 1. Its
 * last step gives x₀.
 */
export const ddim: SamplingMethod = {
  spacings: ['trailing', 'uniform', 'leading', 'karras'],
  hasEta: true,
  steps(schedule, steps, { spacing, eta }) {
    const levels = spacedLevels(schedule, steps, spacing);
    return levels.map((level, index) => {
      const weights = ddimWeights(level, levels[index + 1] ?? CLEAN, eta);
      return { ...PLAIN_STEP, index, ...level, ...weights, noisy: weights.std > 0 };
    });
  },
};

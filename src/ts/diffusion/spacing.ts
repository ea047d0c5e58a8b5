import { roundHalfToEven } from './rounding.js';
import type { UnClipSchedule } from './schedule.js';

/** How a run's noise levels are spread: evenly over the timesteps, from either end of each stretch, or as Karras et al. do. */
export type Spacing = 'uniform' | 'leading' | 'trailing' | 'karras';

/** All of them, see {@link spacedLevels}. */
export const SPACINGS = ['uniform', 'leading', 'trailing', 'karras'] as const satisfies readonly Spacing[];

/** A noise level: where a network is evaluated. */
export interface NoiseLevel {
  /** What the network is told; fractional for levels between two timesteps. */
  readonly timestep: number;
  /** ᾱ: x = √ᾱ·x₀ + √(1 − ᾱ)·ε. */
  readonly alphaBar: number;
}

/** The level without noise, which every run ends at. No network is evaluated there. */
export const CLEAN: NoiseLevel = { timestep: -1, alphaBar: 1 };

/** ρ of Karras et al. (arXiv 2206.00364), table 1. */
const KARRAS_RHO = 7;

/**
 * Their σ_max. The cosine schedule's own largest σ is 2·10⁴: from there more than half of all steps would go by before a sample
 * shows anything of its picture.
 */
const KARRAS_SIGMA_MAX = 80;

/** σ of x/√ᾱ = x₀ + σ·ε. */
export const sigmaOf = ({ alphaBar }: NoiseLevel): number => Math.sqrt((1 - alphaBar) / alphaBar);

/**
 * Whole timesteps of a run, falling; N is num_train_timesteps. Formulas of arXiv 2305.08891, table 2, rounding as numpy's.
 *
 * - `uniform`: round(i·(N − 1)/(n − 1)), from N − 1 to 0, both of them ends.
 * - `leading`: i·⌊N/n⌋, which ends with 0 and begins below N − 1.
 * - `trailing`: round(N − i·N/n) − 1, which begins with N − 1 and ends one stride above −1.
 * @throws UnclipError INPUT_INVALID for a number of steps that the schedule does not have
 */
export function spacedTimesteps(
  schedule: UnClipSchedule,
  steps: number,
  spacing: Exclude<Spacing, 'karras'>,
): number[] {
  schedule.checkSteps(steps);
  const total = schedule.config.num_train_timesteps;
  if (spacing === 'uniform') return schedule.timesteps(steps);
  if (spacing === 'leading') {
    const stride = Math.floor(total / steps);
    return Array.from({ length: steps }, (_, i) => (steps - 1 - i) * stride);
  }
  return Array.from({ length: steps }, (_, i) => roundHalfToEven(total - (i * total) / steps) - 1);
}

/**
 * The levels of a run, noisiest first, without the clean one that follows the last. `karras`: σ = (a + i/(n − 1)·(b − a))^ρ with
 * a = σ_max^(1/ρ), b = σ_min^(1/ρ), ρ = 7 (arXiv 2206.00364, formula 5), from σ = 80 or the schedule's largest, whichever is
 * less, to that of timestep 0. The others are {@link spacedTimesteps}.
 * @throws UnclipError INPUT_INVALID for a number of steps that the schedule does not have
 */
export function spacedLevels(schedule: UnClipSchedule, steps: number, spacing: Spacing): NoiseLevel[] {
  const levelOf = (timestep: number): NoiseLevel => ({ timestep, alphaBar: schedule.alphasCumprod[timestep]! });
  if (spacing !== 'karras') return spacedTimesteps(schedule, steps, spacing).map(levelOf);
  schedule.checkSteps(steps);
  const table = Array.from(schedule.alphasCumprod, (_, t) => Math.log(sigmaOf(levelOf(t))));
  const largest = Math.min(KARRAS_SIGMA_MAX, Math.exp(table[table.length - 1]!));
  const [a, b] = [largest ** (1 / KARRAS_RHO), Math.exp(table[0]!) ** (1 / KARRAS_RHO)];
  return Array.from({ length: steps }, (_, i) => {
    const sigma = (a + (i / (steps - 1)) * (b - a)) ** KARRAS_RHO;
    return { timestep: interpolateIndex(table, Math.log(sigma)), alphaBar: 1 / (1 + sigma ** 2) };
  });
}

/** Where a rising table takes a value, linear between its entries; an end of the table for values beyond it. */
function interpolateIndex(table: readonly number[], value: number): number {
  const above = table.findIndex((entry) => entry >= value);
  if (above === 0) return 0;
  if (above < 0) return table.length - 1;
  const [low, high] = [table[above - 1]!, table[above]!];
  return above - 1 + (value - low) / (high - low);
}

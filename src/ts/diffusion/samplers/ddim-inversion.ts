import type { UnClipSchedule } from '../schedule.js';
import { CLEAN, type NoiseLevel, type Spacing, sigmaOf, spacedLevels } from '../spacing.js';
import type { StepCoefficients } from '../step-coefficients.js';
import { ddimWeights } from './ddim.js';
import { PLAIN_STEP } from './sampling-method.js';

/** Share of a step's defect that a round of refinement takes back; a larger one diverges between modes. */
const RELAXATION = 0.7;

/** One level up on the way from a picture to its x_T. */
export interface InversionRung {
  /** 0 = the first, from the picture to the cleanest level of the run. */
  readonly index: number;
  readonly to: NoiseLevel;
  /**
   * The DDIM step up from the level below, with the network's prediction there (arXiv 2204.06125 §3, 2010.02502 §4.3). Absent in
   * the first rung: a picture has no noise to predict; its guess is √ᾱ times the picture.
   */
  readonly predict: StepCoefficients | undefined;
  /**
   * Brings a guess of this level nearer to the sample whose DDIM step down gives the one below: x + μ·(below − step down(x)). The
   * sample below is what the kernel reads as noise.
   */
  readonly refine: StepCoefficients;
}

/**
 * DDIM backwards: the rungs from a picture x₀ to x_T, from which DDIM with η = 0 and the same steps and spacing draws the
 * picture again.
 *
 * A step down is y' = r·y + (1 − r)·D(y) with y = x/√ᾱ, r = σ'/σ and D the network's x₀. `predict` takes D from the level below
 * instead, which errs by one step's change of D. `refine` solves the step itself by Richardson's iteration with μ = 0.7: D's
 * Jacobian has eigenvalues from 0 (noise, removed) to about 1 (picture, kept) and more between two pictures, a step's go from r
 * up, and those below 2/μ shrink the error. The last step down gives D itself: there μ = 1, which mends what the network can
 * show and leaves what it cannot.
 * @throws UnclipError INPUT_INVALID for a number of steps that the schedule does not have
 */
export function ddimInversion(schedule: UnClipSchedule, steps: number, spacing: Spacing): InversionRung[] {
  const levels = spacedLevels(schedule, steps, spacing).reverse();
  return levels.map((to, index) => {
    const below = levels[index - 1] ?? CLEAN;
    return {
      index,
      to,
      predict: index === 0 ? undefined : { ...PLAIN_STEP, index, ...below, ...ddimWeights(below, to) },
      refine: refinement(to, below, index),
    };
  });
}

function refinement(level: NoiseLevel, below: NoiseLevel, index: number): StepCoefficients {
  const r = sigmaOf(below) / sigmaOf(level);
  const relaxation = r === 0 ? 1 : RELAXATION;
  const mu = (relaxation * Math.sqrt(level.alphaBar)) / Math.sqrt(below.alphaBar);
  const down = ddimWeights(level, below);
  return {
    ...PLAIN_STEP,
    index,
    ...level,
    x0Coeff: -mu * down.x0Coeff,
    xtCoeff: 1 - mu * down.xtCoeff,
    noisy: true,
    std: mu,
  };
}

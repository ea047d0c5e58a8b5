import type { UnClipSchedule } from '../schedule.js';
import { type NoiseLevel, type Spacing, spacedLevels } from '../spacing.js';
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
  /** From the level below; undefined in the first rung, where a picture without noise is taken for √ᾱ times itself. */
  readonly climb: Climb | undefined;
}

export interface Climb {
  /** The DDIM step up, with the network's prediction at the level below (arXiv 2204.06125 §3, 2010.02502 §4.3). */
  readonly predict: StepCoefficients;
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
 * up, and those below 2/μ shrink the error. The last step down gives D itself, and is not solved: what of a picture the network
 * cannot show would be added to its noise round by round.
 *
 * The spacing matters: the first level's σ has to be above the network's own error on a clean picture, which is taken for noise
 * there. `trailing` is coarse enough; `uniform`, `leading` and `karras` begin at timestep 0, where σ is 0.006.
 * @throws UnclipError INPUT_INVALID for a number of steps that the schedule does not have
 */
export function ddimInversion(schedule: UnClipSchedule, steps: number, spacing: Spacing): InversionRung[] {
  const levels = spacedLevels(schedule, steps, spacing).reverse();
  return levels.map((to, index) => {
    const below = levels[index - 1];
    return { index, to, climb: below && climb(index, below, to) };
  });
}

function climb(index: number, below: NoiseLevel, to: NoiseLevel): Climb {
  const mu = (RELAXATION * Math.sqrt(to.alphaBar)) / Math.sqrt(below.alphaBar);
  const down = ddimWeights(to, below);
  return {
    predict: { ...PLAIN_STEP, index, ...below, ...ddimWeights(below, to) },
    refine: {
      ...PLAIN_STEP,
      index,
      ...to,
      x0Coeff: -mu * down.x0Coeff,
      xtCoeff: 1 - mu * down.xtCoeff,
      noisy: true,
      std: mu,
    },
  };
}

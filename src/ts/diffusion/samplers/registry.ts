import { UnclipError } from '../../util/errors.js';
import type { UnClipSchedule } from '../schedule.js';
import type { Spacing } from '../spacing.js';
import type { StepCoefficients } from '../step-coefficients.js';
import { ddim } from './ddim.js';
import { dpmSolverPlusPlus2M } from './dpm-solver.js';
import { euler } from './euler.js';
import type { SamplingMethod, SamplingOptions } from './sampling-method.js';
import { unclip } from './unclip.js';

/** Name of a sampler. */
export type SamplerName = 'unclip' | 'ddim' | 'dpm++2m' | 'euler';

const METHODS: Readonly<Record<SamplerName, SamplingMethod>> = {
  unclip,
  ddim,
  'dpm++2m': dpmSolverPlusPlus2M,
  euler,
};

export const SAMPLERS = Object.keys(METHODS) as SamplerName[];

/** A sampler and what it is told; what is left out is the sampler's default. */
export interface SamplingChoice {
  /** Default `unclip`, the ancestral sampler of the published models. */
  sampler?: SamplerName;
  /** How the noise levels are spread. Default: `uniform` for unclip, `trailing` for ddim and dpm++2m, `karras` for euler. */
  spacing?: Spacing;
  /** Noise of ddim, 0 (none, default) … 1 (as much as unclip); other samplers take none. */
  eta?: number;
}

/** A choice with its defaults filled in; eta is there where it means something. */
export type CheckedSampling = Pick<SamplingOptions, 'spacing'> & Pick<SamplingChoice, 'eta'> & { sampler: SamplerName };

/**
 * The choice with its defaults filled in.
 * @throws UnclipError INPUT_INVALID for an unknown name, or for a spacing or eta that the sampler cannot use
 */
export function checkSampling(choice: SamplingChoice): CheckedSampling {
  const { sampler = 'unclip' } = choice;
  if (!Object.hasOwn(METHODS, sampler)) throw invalid(`sampler is '${sampler}': give ${SAMPLERS.join(', ')}`);
  const method: SamplingMethod = METHODS[sampler];
  const { spacing = method.spacings[0], eta } = choice;
  if (!method.spacings.includes(spacing))
    throw invalid(`spacing is '${spacing}': sampler ${sampler} takes ${method.spacings.join(', ')}`);
  if (eta !== undefined && !method.hasEta) throw invalid(`eta is ${eta}: sampler ${sampler} takes none; ddim does`);
  if (eta !== undefined && !(eta >= 0 && eta <= 1)) throw invalid(`eta is ${eta}: give a number, 0 to 1`);
  return { sampler, spacing, ...(method.hasEta ? { eta: eta ?? 0 } : {}) };
}

/**
 * The steps of a run of `steps` steps, noisiest first.
 * @throws UnclipError INPUT_INVALID as {@link checkSampling} does, and for a number of steps that the schedule does not have
 */
export function samplerSteps(schedule: UnClipSchedule, steps: number, choice: SamplingChoice = {}): StepCoefficients[] {
  const { sampler, spacing, eta = 0 } = checkSampling(choice);
  return METHODS[sampler].steps(schedule, steps, { spacing, eta });
}

const invalid = (message: string): UnclipError => new UnclipError('INPUT_INVALID', message);

import { UnclipError } from '../../util/errors.js';
import { spacedTimesteps } from '../spacing.js';
import type { SamplingMethod } from './sampling-method.js';

/**
 * Ancestral sampling of diffusers' UnCLIPScheduler: draws from the posterior q(x_{t'} | x_t, x₀) of DDPM (arXiv 2006.11239,
 * formula 7), with the network's own variance where it learned one. Its tables are of whole timesteps.
 */
export const unclip: SamplingMethod = {
  spacings: ['uniform', 'leading', 'trailing'],
  hasEta: false,
  steps(schedule, steps, { spacing }) {
    if (spacing === 'karras')
      throw new UnclipError('INPUT_INVALID', `spacing 'karras' needs levels between whole timesteps`);
    return schedule.stepsAt(spacedTimesteps(schedule, steps, spacing));
  },
};

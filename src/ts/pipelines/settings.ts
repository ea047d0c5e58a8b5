import type { SamplingChoice } from '../diffusion/samplers/registry.js';

/** The two priors of DALL·E 2 (arXiv 2204.06125, section 2.2): diffusion, or one code of the embedding after another. */
export type PriorKind = 'diffusion' | 'ar';

export const PRIORS = ['diffusion', 'ar'] as const satisfies readonly PriorKind[];

/** Which prior turns text into an image embedding, and how the autoregressive one draws its codes. */
export interface PriorChoice {
  /** Default: diffusion. */
  prior?: PriorKind;
  /** Of the autoregressive prior: below 1 likely codes become likelier, 0 takes the likeliest. Default 1. */
  priorTemperature?: number;
  /** Of the autoregressive prior: only so many of the likeliest codes may be drawn; 0 (default): all. */
  priorTopK?: number;
}

/**
 * Steps, guidance, prior and sampler of one run; the same for every picture of a batch. The sampler is that of the diffusion prior and
 * of the decoder: the upsamplers, whose last step may be a network of its own, keep the ancestral one, which they were published with.
 */
export interface SamplingSettings extends SamplingChoice, PriorChoice {
  /** ≥ 2 each. The diffusion prior's: the autoregressive one takes a step for each of its codes, whatever this says. */
  priorSteps: number;
  decoderSteps: number;
  superResSteps: number;
  /** ≥ 0; up to 1 means no guidance. */
  priorGuidanceScale: number;
  decoderGuidanceScale: number;
  /**
   * Noise level at which the upsampler starts, 0 … 1 of the schedule. Default 1, noise alone; below that the enlarged picture and
   * what else a drawn item gives of its detail shows through, and at 0 only the last step is left.
   */
  superResStart?: number;
}

/** Whether the unconditional half has to be computed: one decision for prior and decoder, as diffusers takes it. */
export const isGuided = (s: SamplingSettings): boolean => s.priorGuidanceScale > 1 || s.decoderGuidanceScale > 1;

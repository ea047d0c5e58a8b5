import type { SamplingChoice } from '../diffusion/samplers/registry.js';

/**
 * Steps, guidance and sampler of one run; the same for every picture of a batch. The sampler is that of prior and decoder: the
 * upsamplers, whose last step may be a network of its own, keep the ancestral one, which they were published with.
 */
export interface SamplingSettings extends SamplingChoice {
  /** ≥ 2 each. */
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

/** Steps and guidance of one run; the same for every picture of a batch. */
export interface SamplingSettings {
  /** ≥ 2 each. */
  priorSteps: number;
  decoderSteps: number;
  superResSteps: number;
  /** ≥ 0; up to 1 means no guidance. */
  priorGuidanceScale: number;
  decoderGuidanceScale: number;
}

/** Whether the unconditional half has to be computed: one decision for prior and decoder, as diffusers takes it. */
export const isGuided = (s: SamplingSettings): boolean => s.priorGuidanceScale > 1 || s.decoderGuidanceScale > 1;

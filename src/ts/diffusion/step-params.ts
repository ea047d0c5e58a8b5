/**
 * The record that one reverse diffusion step hands to the GPU: 16 f32 per image of the batch, tightly packed
 * (array stride 64 bytes). The fused guidance-and-step kernel is written against this file.
 *
 * Inputs of the kernel, per element of an image (C channels of the sample):
 *   x        current sample x_t
 *   c, u     model output of the conditional and the unconditional half of the doubled batch (no u without guidance)
 *   vc       variance channels of the conditional half (the second C channels of the output), learned variance only
 *   z        a standard normal draw
 *   x0Prev   the x0 of the step before, which is where this step's x0 goes: read before it is written
 *
 * What it computes, all in f32 and in this order (diffusers 0.21, schedulers/scheduling_unclip.py `step`;
 * guidance as in pipelines/unclip/pipeline_unclip.py; x0Prev is for multistep solvers, samplers/dpm-solver.ts):
 *   out  = guidanceScale == 1 ? c : u + guidanceScale * (c - u)
 *   x0   = (x0FromSample * x + x0FromOutput * out) / x0Divisor
 *   x0   = clipRange > 0 ? clamp(x0, -clipRange, clipRange) : x0
 *   next = x0Coeff * x0 + xtCoeff * x
 *   next = x0PrevCoeff == 0 ? next : next + x0PrevCoeff * x0Prev    (where it is 0, x0Prev must not be read)
 *   sd   = learnedVariance == 0 ? std : exp(0.5 * (frac * logVarMax + (1 - frac) * logVarMin)), frac = (vc + 1) / 2
 *   next = noiseScale == 0 ? next : next + noiseScale * sd * z      (where nothing is drawn, z must not be read)
 *   next = outputClip > 0 ? clamp(next, -outputClip, outputClip) : next
 *
 * x0 needs no branch on the prediction type and rounds as diffusers does:
 *   epsilon: x0FromSample 1, x0FromOutput -sqrt(1 - abar_t), x0Divisor sqrt(abar_t)   (x - s*eps is x + (-s)*eps)
 *   sample:  x0FromSample 0, x0FromOutput 1, x0Divisor 1
 * The first step of an epsilon model divides by sqrt(abar_999) = 4.9e-5 and is clipped right after, so a fused multiply-add
 * or a 2.5-ulp division moves x0 by rounding size times 2e4 there: single elements may flip sign. That is the scheduler's
 * nature, not an error of the kernel.
 */
export const STEP_PARAMS_FLOATS = 16;

/** Index of each field in a record. Index 15 is padding and zero. */
export const STEP_FIELD = {
  /** t as f32, 0..999, not always whole: what the time embedding reads. */
  timestep: 0,
  /** s of u + s*(c - u). 1 means no guidance: u is not read. */
  guidanceScale: 1,
  /** Weight of x_t in x0 before the division: 1 (epsilon) or 0 (sample). */
  x0FromSample: 2,
  /** Weight of the model output in x0 before the division: -sqrt(1 - abar_t) (epsilon) or 1 (sample). */
  x0FromOutput: 3,
  /** Divisor of x0: sqrt(abar_t) (epsilon) or 1 (sample). Never 0. */
  x0Divisor: 4,
  /** x0 is clamped to ±clipRange; 0 means no clamp. */
  clipRange: 5,
  /** Weight of x0. Ancestral: sqrt(abar_prev) * beta / (1 - abar_t), the posterior mean's (arXiv 2006.11239, formula 7). */
  x0Coeff: 6,
  /** Weight of x_t. Ancestral: sqrt(alpha) * (1 - abar_prev) / (1 - abar_t). */
  xtCoeff: 7,
  /** Standard deviation of a variance that is not learned; 0 where it is learned and where no noise is drawn. */
  std: 8,
  /** log of the posterior variance, the lower end of the learned range; 0 where unused. */
  logVarMin: 9,
  /** log(beta), the upper end of the learned range; 0 where unused. */
  logVarMax: 10,
  /** 1, or 0 where no noise is drawn: at the last step, and in deterministic samplers. */
  noiseScale: 11,
  /** 1: the model output has 2C channels and the second C interpolate the log variance; 0: fixed variance. */
  learnedVariance: 12,
  /** The new sample is clamped to ±outputClip; 0 means no clamp. The decoder's last step has 1. */
  outputClip: 13,
  /** Weight of the x0 of the step before; 0 means that it is not read. */
  x0PrevCoeff: 14,
} as const;

export type StepField = keyof typeof STEP_FIELD;

/** One record with its fields by name. All numbers are f32 values. */
export type StepParams = Record<StepField, number>;

const FIELDS = Object.entries(STEP_FIELD) as [StepField, number][];

/**
 * Writes `params` as record `image` of `target`.
 * @param target at least (image + 1) * 16 floats
 */
export function packStepParams(params: StepParams, target: Float32Array, image: number): void {
  const base = image * STEP_PARAMS_FLOATS;
  target.fill(0, base, base + STEP_PARAMS_FLOATS);
  for (const [field, index] of FIELDS) target[base + index] = params[field];
}

/**
 * The numbers of one step of a sampler: where the network is evaluated, and how the new sample depends on its prediction,
 *
 *   next = x0Coeff · x₀ + x0PrevCoeff · x₀ of the step before + xtCoeff · x + sd · z,
 *
 * where x₀ is the (clipped) prediction at x. Every sampler here is of this form; the schedule makes the kernel's record of it
 * (`UnClipSchedule.params`), which rounds to f32.
 */
export interface StepCoefficients {
  /** Position in the run, 0 = first. */
  readonly index: number;
  /** t that the network is told, num_train_timesteps − 1 down to 0; fractional where levels lie between timesteps. */
  readonly timestep: number;
  /** ᾱ of the sample that the network sees: x = √ᾱ·x₀ + √(1 − ᾱ)·ε. */
  readonly alphaBar: number;
  /** Weight of x₀. */
  readonly x0Coeff: number;
  /** Weight of the x₀ that the step before predicted; 0 where it is not read, as it must be at the first step. */
  readonly x0PrevCoeff: number;
  /** Weight of x. */
  readonly xtCoeff: number;
  /** Whether noise is drawn: always where its deviation is not 0. */
  readonly noisy: boolean;
  /** Standard deviation of the noise; 0 where none is drawn or the variance is learned. */
  readonly std: number;
  /** Whether the network's second half of channels interpolates the log variance between the two numbers below. */
  readonly learnedVariance: boolean;
  /** log of the posterior variance; 0 where unused. */
  readonly logVarMin: number;
  /** log of the forward variance β; 0 where unused. */
  readonly logVarMax: number;
}

import { UnclipError } from '../util/errors.js';
import { roundHalfToEven } from './rounding.js';
import { loadSchedulerConfig, parseSchedulerConfig, type SchedulerConfig } from './scheduler-config.js';
import type { StepCoefficients } from './step-coefficients.js';
import type { StepParams } from './step-params.js';

const f = Math.fround;

/** Largest beta of the cosine schedule (diffusers `betas_for_alpha_bar`). */
const MAX_BETA = 0.999;

/**
 * One step of UnCLIPScheduler with the numbers it comes from; all are f32 values computed with f32 roundings where diffusers
 * has them. x0Coeff and xtCoeff are the weights of the posterior mean.
 */
export interface UnClipStep extends StepCoefficients {
  /** The next entry of the timesteps; -1 at the last step. */
  readonly prevTimestep: number;
  readonly alphaBarPrev: number;
  readonly beta: number;
  readonly alpha: number;
}

/** What a pipeline adds to a step: see `STEP_FIELD` for the meaning. */
export interface StepOptions {
  /** Scale s of u + s*(c - u); 1 (the default) means no guidance. */
  guidanceScale?: number;
  /** Clamp of the new sample; 0 (the default) means none. */
  outputClip?: number;
}

/**
 * The noise schedule of diffusers' UnCLIPScheduler (schedulers/scheduling_unclip.py of 0.21): squared-cosine betas
 * (arXiv 2102.09672, formula 17), any number of steps from 2 on, epsilon or sample prediction, fixed or learned variance.
 *
 * Tables are f32 on purpose. With few steps alpha = 1 - (1 - abar_t / abar_prev) cancels in f32 (to exactly 0 for 2 or 5
 * steps), and pictures differ visibly in the first step from those of double tables; published pictures come from f32.
 */
export class UnClipSchedule {
  readonly config: SchedulerConfig;
  /** [num_train_timesteps] each. */
  readonly betas: Float32Array;
  readonly alphas: Float32Array;
  readonly alphasCumprod: Float32Array;

  constructor(config: SchedulerConfig) {
    this.config = config;
    const n = config.num_train_timesteps;
    const alphaBar = (t: number) => Math.cos(((t + 0.008) / 1.008) * (Math.PI / 2)) ** 2;
    this.betas = Float32Array.from({ length: n }, (_, i) =>
      Math.min(1 - alphaBar((i + 1) / n) / alphaBar(i / n), MAX_BETA),
    );
    this.alphas = this.betas.map((beta) => 1 - beta);
    // PyTorch's CPU cumprod carries the running product in double and rounds each entry as it is stored.
    let product = 1;
    this.alphasCumprod = this.alphas.map((alpha) => {
      product *= alpha;
      return product;
    });
  }

  /** The schedule of `<folder>/scheduler_config.json`. Throws as `loadSchedulerConfig` does. */
  static load(folder: string): UnClipSchedule {
    return new UnClipSchedule(loadSchedulerConfig(folder));
  }

  /** The schedule of the parsed JSON of a scheduler_config.json. Throws as `parseSchedulerConfig` does. */
  static fromJson(json: unknown, source?: string): UnClipSchedule {
    return new UnClipSchedule(parseSchedulerConfig(json, source));
  }

  /** True when the model's output has twice the sample's channels: the second half interpolates the log variance. */
  get learnedVariance(): boolean {
    return this.config.variance_type === 'learned_range';
  }

  /**
   * The timesteps of a run of `steps` steps, noisiest first: round(i * (N - 1) / (steps - 1)), halves to even as numpy
   * rounds. Always begins with N - 1 and ends with 0.
   * @param steps an integer, 2 to num_train_timesteps
   * @throws UnclipError INPUT_INVALID
   */
  timesteps(steps: number): number[] {
    this.checkSteps(steps);
    const last = this.config.num_train_timesteps - 1;
    const ratio = last / (steps - 1);
    return Array.from({ length: steps }, (_, i) => roundHalfToEven((steps - 1 - i) * ratio));
  }

  /** @throws UnclipError INPUT_INVALID unless `steps` is an integer, 2 to num_train_timesteps */
  checkSteps(steps: number): void {
    const most = this.config.num_train_timesteps;
    if (!Number.isInteger(steps) || steps < 2 || steps > most)
      throw new UnclipError(
        'INPUT_INVALID',
        `number of steps is ${steps}; give a whole number, at least 2, at most ${most}`,
      );
  }

  /** The coefficients of all steps of a run, noisiest first. Same argument and errors as `timesteps`. */
  steps(steps: number): UnClipStep[] {
    return this.stepsAt(this.timesteps(steps));
  }

  /** The coefficients of a run over whole timesteps of one's own, falling, each 0 to num_train_timesteps - 1. */
  stepsAt(timesteps: readonly number[]): UnClipStep[] {
    return timesteps.map((timestep, index) => this.coefficients(index, timestep, timesteps[index + 1] ?? -1));
  }

  /** The record of one step for the GPU kernel (see step-params.ts) and for `stepReference`. */
  params(step: StepCoefficients, options: StepOptions = {}): StepParams {
    const epsilon = this.config.prediction_type === 'epsilon';
    return {
      timestep: f(step.timestep),
      guidanceScale: f(options.guidanceScale ?? 1),
      x0FromSample: epsilon ? 1 : 0,
      x0FromOutput: epsilon ? -f(Math.sqrt(f(1 - step.alphaBar))) : 1,
      x0Divisor: epsilon ? f(Math.sqrt(step.alphaBar)) : 1,
      clipRange: this.config.clip_sample ? f(this.config.clip_sample_range) : 0,
      x0Coeff: f(step.x0Coeff),
      xtCoeff: f(step.xtCoeff),
      std: f(step.std),
      logVarMin: step.logVarMin,
      logVarMax: step.logVarMax,
      noiseScale: step.noisy ? 1 : 0,
      learnedVariance: step.learnedVariance ? 1 : 0,
      outputClip: f(options.outputClip ?? 0),
      x0PrevCoeff: f(step.x0PrevCoeff),
    };
  }

  private coefficients(index: number, timestep: number, prevTimestep: number): UnClipStep {
    const alphaBar = this.alphasCumprod[timestep]!;
    const alphaBarPrev = prevTimestep >= 0 ? this.alphasCumprod[prevTimestep]! : 1;
    const betaBar = f(1 - alphaBar);
    const betaBarPrev = f(1 - alphaBarPrev);
    const adjacent = prevTimestep === timestep - 1;
    const beta = adjacent ? this.betas[timestep]! : f(1 - f(alphaBar / alphaBarPrev));
    const alpha = adjacent ? this.alphas[timestep]! : f(1 - beta);
    const variance = f(f(betaBarPrev / betaBar) * beta);
    const noisy = prevTimestep >= 0;
    const learned = this.learnedVariance;
    return {
      index,
      timestep,
      prevTimestep,
      alphaBar,
      alphaBarPrev,
      beta,
      alpha,
      x0Coeff: f(f(f(Math.sqrt(alphaBarPrev)) * beta) / betaBar),
      x0PrevCoeff: 0,
      xtCoeff: f(f(f(Math.sqrt(alpha)) * betaBarPrev) / betaBar),
      noisy,
      learnedVariance: learned,
      // diffusers goes through log and exp here too, so the last bit agrees more often than a plain square root's.
      std: noisy && !learned ? f(Math.exp(f(0.5 * f(Math.log(Math.max(variance, f(1e-20))))))) : 0,
      logVarMin: noisy && learned ? f(Math.log(variance)) : 0,
      logVarMax: noisy && learned ? f(Math.log(beta)) : 0,
    };
  }
}

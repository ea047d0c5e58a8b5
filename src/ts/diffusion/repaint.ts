import { UnclipError } from '../util/errors.js';

/** How often parts of a masked run are repeated (RePaint, arXiv 2201.09865, section 4.2). */
export interface Resampling {
  /** Times that each stretch of steps is run, 1 … 100; 1 repeats nothing. */
  readonly resample: number;
  /** Steps of a stretch, at least 1. */
  readonly jump: number;
}

export const MAX_RESAMPLE = 100;

/** One reverse step of a run, and what follows it. Level i is the noise of step i's sample; level `steps` is a clean one. */
export interface Visit {
  /** The reverse step, 0 = noisiest. */
  readonly step: number;
  /** Level that the sample is brought to afterwards: step + 1, or a noisier one, from where the run goes on. */
  readonly level: number;
}

/** Every step once: a run without repeats. */
export const straightWalk = (steps: number): Visit[] =>
  Array.from({ length: steps }, (_, step) => ({ step, level: step + 1 }));

/**
 * The order of steps of a run with resampling. The steps are cut into stretches of `jump`, counted from the clean end; each is run
 * `resample` times, with the sample noised back to the stretch's first level in between. The noisiest stretch is run once, as in
 * the authors' code: at its level a sample holds next to nothing that could be brought into harmony.
 * @param steps of the schedule, at least 1
 * @throws UnclipError INPUT_INVALID
 */
export function repaintWalk(steps: number, { resample, jump }: Resampling): Visit[] {
  if (!Number.isInteger(resample) || resample < 1 || resample > MAX_RESAMPLE)
    throw new UnclipError('INPUT_INVALID', `resample is ${resample}: give a whole number, 1 to ${MAX_RESAMPLE}`);
  if (!Number.isInteger(jump) || jump < 1)
    throw new UnclipError('INPUT_INVALID', `jump is ${jump}: give a whole number of steps, at least 1`);
  const visits: Visit[] = [];
  const first = steps % jump === 0 ? Math.min(jump, steps) : steps % jump;
  for (let begin = 0, end = first; begin < steps; begin = end, end += jump) {
    const times = begin === 0 ? 1 : resample;
    for (let time = 1; time <= times; time++)
      for (let step = begin; step < end; step++) {
        const back = step === end - 1 && time < times;
        visits.push({ step, level: back ? begin : step + 1 });
      }
  }
  return visits;
}

/**
 * What one image's sample is mixed of after a step: w · (a·known + b·z) + (1 − w) · (c·x + d·z), for the forward process
 * q(x_t | x_s) = N(√(ᾱ_t/ᾱ_s) x_s, (1 − ᾱ_t/ᾱ_s) I).
 * @param reached ᾱ of the sample x after the step
 * @param target ᾱ of the level that it is brought to, at most `reached`
 * @returns (a, b, c, d)
 */
export function keepKnownRecord(reached: number, target: number): readonly [number, number, number, number] {
  const kept = target === reached ? 1 : target / reached;
  return [Math.sqrt(target), Math.sqrt(1 - target), Math.sqrt(kept), Math.sqrt(1 - kept)];
}

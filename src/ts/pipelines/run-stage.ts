import type { Program } from '../runtime/program.js';
import type { Runtime } from '../runtime/runtime.js';
import { UnclipError } from '../util/errors.js';
import type { NoiseSource, StageName } from './noise.js';
import type { PreparedStep, Sampler } from './sampler.js';

/** What a run tells while it goes. */
export interface Progress {
  readonly stage: 'text' | StageName;
  /** Steps of the stage that are done, 1 … steps. */
  readonly step: number;
  readonly steps: number;
}

export interface RunHooks {
  readonly signal?: AbortSignal;
  /** Called after each step has run on the GPU; awaited, so that a preview can be read out of the sampler. */
  readonly onStep?: (progress: Progress, sampler: Sampler | undefined) => void | Promise<void>;
}

/** Prepares programs, which loads their weights where the budget had evicted them, and submits them one after the other. */
export async function submitPrograms(runtime: Runtime, ...programs: readonly Program[]): Promise<void> {
  for (const program of programs) {
    await program.prepare();
    runtime.submit([program]);
  }
}

/**
 * Runs all reverse steps of a stage whose sampler has been started. While the GPU runs a step, the next one is recorded: only its
 * submission waits for the hooks.
 * @throws UnclipError CANCELLED within one step of the signal's abort; GPU_* when the device fails
 */
export async function runStage(runtime: Runtime, sampler: Sampler, noise: NoiseSource, hooks: RunHooks): Promise<void> {
  const steps = sampler.steps.length;
  let prepared: PreparedStep | undefined;
  for (let i = 0; i < steps; i++) {
    const step = prepared ?? (await sampler.prepare(i, noise));
    step.submit();
    // Another program's weights may have to take the place of this one's, which must not happen before it has run.
    const ahead = i + 1 < steps && sampler.sameProgram(i, i + 1);
    [, prepared] = await Promise.all([runtime.device.idle(), ahead ? sampler.prepare(i + 1, noise, true) : undefined]);
    await stepDone(hooks, { stage: sampler.options.plan.stage, step: i + 1, steps }, sampler);
  }
}

/** Tells of a step that has run. @throws UnclipError CANCELLED when the signal was aborted */
export async function stepDone(hooks: RunHooks, progress: Progress, sampler?: Sampler): Promise<void> {
  await hooks.onStep?.(progress, sampler);
  throwIfAborted(hooks.signal);
}

/** @throws UnclipError CANCELLED when the signal was aborted */
export function throwIfAborted(signal: AbortSignal | undefined): void {
  if (signal?.aborted) throw new UnclipError('CANCELLED', 'drawing was cancelled');
}

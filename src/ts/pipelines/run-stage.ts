import { straightWalk, type Visit } from '../diffusion/repaint.js';
import type { Program } from '../runtime/program.js';
import type { Runtime } from '../runtime/runtime.js';
import { cancelled } from './ended.js';
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

/** What is done to the sample after each reverse step, and the order in which the steps are run. */
export interface Constraint {
  readonly visits: readonly Visit[];
  /** As {@link Sampler.prepare}, of what follows the visit's step. */
  prepare(visit: Visit, noise: NoiseSource, ahead?: boolean): Promise<PreparedStep>;
}

/**
 * Runs all reverse steps of a stage whose sampler has been started. While the GPU runs a step, the next one is recorded: only its
 * submission waits for the hooks.
 * @param constraint default: every step once, and nothing between them
 * @throws UnclipError CANCELLED within one step of the signal's abort; GPU_* when the device fails
 */
export async function runStage(
  runtime: Runtime,
  sampler: Sampler,
  noise: NoiseSource,
  hooks: RunHooks,
  constraint?: Constraint,
): Promise<void> {
  const visits = constraint?.visits ?? straightWalk(sampler.steps.length);
  const prepare = async (visit: Visit, ahead: boolean): Promise<PreparedStep[]> => {
    const step = await sampler.prepare(visit.step, noise, ahead);
    return constraint === undefined ? [step] : [step, await constraint.prepare(visit, noise, ahead)];
  };
  let prepared: PreparedStep[] | undefined;
  for (const [i, visit] of visits.entries()) {
    for (const part of prepared ?? (await prepare(visit, false))) part.submit();
    // Another program's weights may have to take the place of this one's, which must not happen before it has run.
    const next = visits[i + 1];
    const ahead = next !== undefined && sampler.sameProgram(visit.step, next.step);
    [, prepared] = await Promise.all([runtime.device.idle(), ahead ? prepare(next, true) : undefined]);
    await stepDone(hooks, { stage: sampler.options.plan.stage, step: i + 1, steps: visits.length }, sampler);
  }
}

/** Tells of a step that has run. @throws UnclipError CANCELLED when the signal was aborted */
export async function stepDone(hooks: RunHooks, progress: Progress, sampler?: Sampler): Promise<void> {
  await hooks.onStep?.(progress, sampler);
  throwIfAborted(hooks.signal);
}

/** @throws UnclipError CANCELLED when the signal was aborted */
export function throwIfAborted(signal: AbortSignal | undefined): void {
  if (signal?.aborted) throw cancelled();
}

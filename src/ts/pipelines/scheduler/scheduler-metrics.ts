import { UnclipError } from '../../util/errors.js';
import type { LaneStage } from './policy.js';

/** Steps of one stage since the scheduler began. */
export interface StageMetrics {
  /** Batches that were run, and pictures in them: their ratio is the batch size that was really reached. */
  readonly batches: number;
  readonly pictures: number;
  /** Batches by their size: how often each was run. */
  readonly sizes: Readonly<Record<number, number>>;
  /** Time in steps, from the submission to the end on the GPU, milliseconds. */
  readonly stepMs: number;
}

/** One worker process of a pool. */
export interface WorkerMetrics {
  /** Undefined while it is started anew. */
  readonly pid: number | undefined;
  /** Name of the adapter that it draws on. */
  readonly adapter: string;
  /** Whether it takes pictures. */
  readonly alive: boolean;
  /** Pictures that it has, whether begun or not. */
  readonly pictures: number;
  /** Pictures that it has finished, and times that it was started anew, since the pool began. */
  readonly drawn: number;
  readonly restarts: number;
}

/** What a scheduler has done and has to do. */
export interface SchedulerMetrics {
  /** Pictures that wait to begin. */
  readonly queued: number;
  /** Pictures that have begun, by the stage that they are in. */
  readonly active: Readonly<Partial<Record<LaneStage, number>>>;
  readonly finished: number;
  /** Pictures that ended otherwise, by error code. */
  readonly failed: Readonly<Record<string, number>>;
  /** Time from submission to beginning, summed over pictures that have begun, milliseconds. */
  readonly queuedMs: number;
  readonly begun: number;
  readonly stages: Readonly<Partial<Record<LaneStage, StageMetrics>>>;
  /** The processes that draw, where that is not this one; everything else is summed over them. */
  readonly workers?: readonly WorkerMetrics[];
}

interface Counters {
  batches: number;
  pictures: number;
  sizes: Record<number, number>;
  stepMs: number;
}

/** Counts what a scheduler does. */
export class SchedulerCounts {
  readonly stages: Partial<Record<LaneStage, Counters>> = {};
  readonly failed: Record<string, number> = {};
  finished = 0;
  begun = 0;
  queuedMs = 0;

  step(stage: LaneStage, pictures: number, ms: number): void {
    this.stages[stage] ??= { batches: 0, pictures: 0, sizes: {}, stepMs: 0 };
    const counters = this.stages[stage];
    counters.batches++;
    counters.pictures += pictures;
    counters.sizes[pictures] = (counters.sizes[pictures] ?? 0) + 1;
    counters.stepMs += ms;
  }

  begin(queuedMs: number): void {
    this.begun++;
    this.queuedMs += queuedMs;
  }

  fail(error: unknown): void {
    const code = error instanceof UnclipError ? error.code : 'INTERNAL';
    this.failed[code] = (this.failed[code] ?? 0) + 1;
  }
}

import { z } from 'zod';
import type { LoadOptions } from '../pipelines/engine.js';
import { parseOptions } from '../pipelines/request.js';
import { checkSchedulerOptions, type SchedulerOptions } from '../pipelines/scheduler/options.js';

/** `maxQueued` is the pool's, the other options are each worker's own. */
export interface PoolOptions extends LoadOptions, SchedulerOptions {
  /** Worker processes, 1 … 64. Default 1. */
  readonly workers?: number;
}

const schema = z.object({
  workers: z.int('give a whole number').min(1, 'give at least 1').max(64, 'give at most 64').default(1),
});

/** The options of a pool by whom they are for. */
export interface PoolPlan {
  readonly workers: number;
  readonly maxQueued: number;
  readonly load: LoadOptions;
  /** Of each worker, whose own queue is as long as what it is given. */
  readonly scheduler: SchedulerOptions;
}

/** @throws UnclipError INPUT_INVALID naming the option */
export function planPool({ workers: count, ...options }: PoolOptions): PoolPlan {
  const { maxBatch, maxActive, maxQueued = 1024, queueDelayMs, recover, ...load } = options;
  const scheduler = { maxBatch, maxActive, queueDelayMs, recover };
  checkSchedulerOptions({ ...scheduler, maxQueued });
  const { workers } = parseOptions(schema, { workers: count });
  return { workers, maxQueued, load, scheduler };
}

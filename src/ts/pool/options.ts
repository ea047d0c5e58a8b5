import { z } from 'zod';
import type { AdapterChoice } from '../gpu/find-adapter.js';
import type { LoadOptions } from '../pipelines/engine.js';
import { parseOptions } from '../pipelines/request.js';
import { checkSchedulerOptions, type SchedulerOptions } from '../pipelines/scheduler/options.js';
import { UnclipError } from '../util/errors.js';

/** `maxQueued` is the pool's, the other options are each worker's own. */
export interface PoolOptions extends LoadOptions, SchedulerOptions {
  /** Worker processes, 1 … 64. Default: one for each of `adapters`, or 1. */
  readonly workers?: number;
  /**
   * Which adapters draw: workers take them in turns. Each is what `adapter` may be, or a variable of the worker's environment by
   * which the driver tells devices of one name apart, such as `DRI_PRIME=pci-0000_3b_00_0`.
   */
  readonly adapters?: readonly string[];
}

export const MOST_WORKERS = 64;

const schema = z.object({
  workers: z.int('give a whole number').min(1, 'give at least 1').max(MOST_WORKERS, `give at most ${MOST_WORKERS}`),
  adapters: z.array(z.string().min(1, 'give a name')).min(1, 'give at least one').optional(),
});

/** What one worker process finds its adapter by. */
export interface WorkerPlace {
  /** Undefined: as all are told to load. */
  readonly adapter: AdapterChoice | undefined;
  /** Variables beside those that the caller's process was started with. */
  readonly environment: Readonly<Record<string, string>>;
}

/** The options of a pool by whom they are for. */
export interface PoolPlan {
  /** A worker each. */
  readonly places: readonly WorkerPlace[];
  readonly maxQueued: number;
  readonly load: LoadOptions;
  /** Of each worker, whose own queue is as long as what it is given. */
  readonly scheduler: SchedulerOptions;
}

/** @throws UnclipError INPUT_INVALID naming the option */
export function planPool({ workers: count, adapters: wanted, ...options }: PoolOptions): PoolPlan {
  const { maxBatch, maxActive, maxQueued = 1024, queueDelayMs, recover, ...load } = options;
  const scheduler = { maxBatch, maxActive, queueDelayMs, recover };
  checkSchedulerOptions({ ...scheduler, maxQueued });
  const { workers, adapters = [undefined] } = parseOptions(schema, {
    workers: count ?? wanted?.length ?? 1,
    adapters: wanted,
  });
  if (workers < adapters.length)
    throw new UnclipError('INPUT_INVALID', `workers is ${workers}: ${adapters.length} adapters need as many`);
  const places = Array.from({ length: workers }, (_, k) => placeOf(adapters[k % adapters.length]));
  return { places, maxQueued, load, scheduler };
}

function placeOf(text: string | undefined): WorkerPlace {
  const [, variable, value] = /^([A-Z_][A-Z0-9_]*)=(.*)$/s.exec(text ?? '') ?? [];
  if (variable === undefined) return { adapter: text, environment: {} };
  return { adapter: undefined, environment: { [variable]: value! } };
}

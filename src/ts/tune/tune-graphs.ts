import { compileGraph } from '../graph/compile.js';
import { isolate } from '../graph/isolate.js';
import type { Graph } from '../graph/types.js';
import type { Choice, DeviceCaps } from '../ops/types.js';
import { KernelTimer } from '../runtime/kernel-timer.js';
import { randomWeights } from '../runtime/random-data.js';
import type { Runtime } from '../runtime/runtime.js';
import { UnclipError } from '../util/errors.js';
import { candidates } from './candidates.js';
import { type Rejection, searchChoice } from './search.js';
import { shapeClass } from './shape-class.js';
import type { TuningTable } from './tuning-table.js';

/** A graph, and how often it runs. */
export interface WeightedGraph {
  readonly graph: Graph;
  readonly runs: number;
}

export interface TuneOptions {
  /** About how long it all may take, in milliseconds. */
  readonly budgetMs: number;
  /** `new` (default): what the table does not know; `unfinished`: also what time did not suffice for; `all`: everything anew. */
  readonly measure?: 'new' | 'unfinished' | 'all';
  /** Also try kernels for GPUs on a CPU driver. */
  readonly allVariants?: boolean;
  readonly signal?: AbortSignal;
  /** After each shape class; awaited. */
  readonly onProgress?: (progress: TuneProgress) => void | Promise<void>;
}

export interface TuneProgress {
  readonly done: number;
  readonly total: number;
  /** What was just settled; undefined before the first. */
  readonly tuned: TunedClass | undefined;
}

/** What came out for one shape class. */
export interface TunedClass {
  readonly op: string;
  readonly shape: string;
  /** Where in the networks it first occurs. */
  readonly label: string;
  /** Runs a picture (or whatever the weights of the graphs count). */
  readonly runs: number;
  readonly heuristic: Choice;
  readonly heuristicMs: number;
  readonly choice: Choice;
  readonly ms: number;
  readonly tried: number;
  readonly left: number;
  readonly rejected: readonly Rejection[];
}

/** A shape class that leaves something to choose. */
interface Task {
  readonly op: string;
  readonly shape: string;
  readonly label: string;
  readonly graph: Graph;
  readonly choices: readonly Choice[];
  runs: number;
}

/** Least time a class gets while any is left: a first look at some candidates. */
const MIN_CLASS_MS = 100;
/** Classes after which measurements are written to disk. */
const SAVE_EVERY = 8;

/** Every shape class of some graphs that more than one kernel or tuning could run. Pure. */
export function tuningTasks(graphs: readonly WeightedGraph[], caps: DeviceCaps, allVariants = false): Task[] {
  const tasks = new Map<string, Task>();
  for (const { graph, runs } of graphs) {
    const compiled = compileGraph(graph, caps);
    for (const { node, record, call } of compiled.nodes) {
      const bare = { ...call, scratch: [] };
      const shape = shapeClass(record.name, bare);
      const known = tasks.get(shape);
      if (known !== undefined) {
        known.runs += runs;
        continue;
      }
      const choices = candidates(record, bare, caps, allVariants);
      if (choices.length < 2) continue;
      const single = isolate(compiled, node);
      tasks.set(shape, { op: record.name, shape, label: node.label, graph: single, choices, runs });
    }
  }
  return [...tasks.values()];
}

/**
 * Chooses kernels and tile sizes for everything that some graphs run, by measurement on the runtime's device, into a table. Classes
 * that take more of the time are searched first and longer.
 * @returns what was tuned now, the costliest first
 * @throws UnclipError CANCELLED (what was measured is saved), GPU_*, IO_*
 */
export async function tuneGraphs(
  runtime: Runtime,
  table: TuningTable,
  graphs: readonly WeightedGraph[],
  options: TuneOptions,
): Promise<TunedClass[]> {
  const begin = performance.now();
  const { caps } = runtime;
  const { measure = 'new' } = options;
  const tasks = tuningTasks(graphs, caps, options.allVariants).filter(({ op, shape }) => {
    const known = table.entry(op, shape);
    return known === undefined || measure === 'all' || (measure === 'unfinished' && known.untried > 0);
  });
  const timer = new KernelTimer(runtime);
  const tuned: TunedClass[] = [];
  try {
    await options.onProgress?.({ done: 0, total: tasks.length, tuned: undefined });
    const costs = await measureCosts(timer, tasks, caps, options.signal);
    let costLeft = [...costs.values()].reduce((a, b) => a + b, 0);
    for (const [task, cost] of [...costs].sort((a, b) => b[1] - a[1])) {
      const timeLeft = begin + options.budgetMs - performance.now();
      if (timeLeft < 0) break;
      const budgetMs = Math.max(MIN_CLASS_MS, timeLeft * (cost / Math.max(costLeft, 1e-9)));
      costLeft -= cost;
      const { op, shape, label, runs, choices } = task;
      const rotateBytes = rotation(caps);
      const found = await searchChoice(timer, task.graph, caps, choices, {
        budgetMs,
        rotateBytes,
        signal: options.signal,
      });
      const heuristic = choices[0]!;
      const { choice, ms, heuristicMs, left: untried } = found;
      table.set(op, shape, { choice, ms, heuristic, heuristicMs, untried });
      tuned.push({ op, shape, label, runs, heuristic, ...found });
      await options.onProgress?.({ done: tuned.length, total: tasks.length, tuned: tuned.at(-1) });
      // A disk that cannot be written is reported in the end, when everything is measured.
      if (tuned.length % SAVE_EVERY === 0) await table.save().catch(() => undefined);
    }
  } finally {
    timer.destroy();
    await table.save();
  }
  return tuned;
}

/** Smaller than for benchmarks: filling it anew for every class takes time. */
const rotation = ({ software }: DeviceCaps): number => (software ? 24 : 256) * 2 ** 20;

/** What each task costs a picture with the heuristic's choice, in milliseconds. Those too large to be timed are left out. */
async function measureCosts(
  timer: KernelTimer,
  tasks: readonly Task[],
  caps: DeviceCaps,
  signal: AbortSignal | undefined,
): Promise<Map<Task, number>> {
  const costs = new Map<Task, number>();
  for (const task of tasks) {
    if (signal?.aborted) throw new UnclipError('CANCELLED', 'tuning was stopped before anything was measured');
    const compiled = compileGraph(task.graph, caps);
    try {
      const operands = await timer.operands(compiled, randomWeights(), { rotateBytes: 1 });
      try {
        const { minMs } = await timer.time(compiled, operands, { samples: 2, minSampleMs: 0 });
        costs.set(task, minMs * task.runs);
      } finally {
        operands.destroy();
      }
    } catch (error) {
      if (!(error instanceof UnclipError) || error.code !== 'GPU_OUT_OF_MEMORY') throw error;
    }
  }
  return costs;
}

import { compileGraph } from '../graph/compile.js';
import { isolate } from '../graph/isolate.js';
import type { Graph } from '../graph/types.js';
import type { Choice, DeviceCaps } from '../ops/types.js';
import { KernelTimer } from '../runtime/kernel-timer.js';
import type { Runtime } from '../runtime/runtime.js';
import { UnclipError } from '../util/errors.js';
import { candidates } from './candidates.js';
import { Ranking } from './ranking.js';
import { type Rejection, type SearchOptions, type SearchResult, searchChoice } from './search.js';
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
  /** Candidates timed, and left for want of time. */
  readonly tried: number;
  readonly left: number;
  readonly rejected: readonly Rejection[];
}

/** A shape class that leaves something to choose. */
export interface TuningTask {
  readonly op: string;
  readonly shape: string;
  readonly label: string;
  readonly graph: Graph;
  readonly choices: readonly Choice[];
  readonly runs: number;
  /** What all its runs take, estimated, in no unit: to share time by. */
  readonly cost: number;
}

/** Least time a class gets while any is left: a first look at some candidates. */
const MIN_CLASS_MS = 100;
/** Classes after which measurements are written to disk. */
const SAVE_EVERY = 8;

/** Operations that take an adapter as long as moving a byte, and bytes that it could move while it starts a kernel: rough. */
const FLOPS_A_BYTE = { software: 4, hardware: 40 };
const START_BYTES = 1e5;

/** Every shape class of some graphs that more than one kernel or tuning could run. Pure. */
export function tuningTasks(graphs: readonly WeightedGraph[], caps: DeviceCaps, allVariants = false): TuningTask[] {
  const tasks = new Map<string, TuningTask>();
  for (const { graph, runs } of graphs) {
    const compiled = compileGraph(graph, caps);
    for (const { node, record, call } of compiled.nodes) {
      const bare = { ...call, scratch: [] };
      const shape = shapeClass(record.name, bare);
      const flops = record.flops(bare) / FLOPS_A_BYTE[caps.software ? 'software' : 'hardware'];
      const cost = runs * (flops + record.bytes(bare) + START_BYTES);
      const known = tasks.get(shape);
      if (known !== undefined) {
        tasks.set(shape, { ...known, runs: known.runs + runs, cost: known.cost + cost });
        continue;
      }
      const choices = candidates(record, bare, caps, allVariants);
      if (choices.length < 2) continue;
      const single = isolate(compiled, node);
      tasks.set(shape, { op: record.name, shape, label: node.label, graph: single, choices, runs, cost });
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
  const ranking = new Ranking();
  const tuned: TunedClass[] = [];
  try {
    await options.onProgress?.({ done: 0, total: tasks.length, tuned: undefined });
    let costLeft = tasks.reduce((sum, t) => sum + t.cost, 0);
    for (const task of tasks.sort((a, b) => b.cost - a.cost)) {
      const timeLeft = begin + options.budgetMs - performance.now();
      if (timeLeft < 0) break;
      const budgetMs = Math.max(MIN_CLASS_MS, timeLeft * (task.cost / costLeft));
      costLeft -= task.cost;
      const { op, shape, label, runs } = task;
      const choices = ranking.order(op, task.choices);
      const found = await searchOrSkip(timer, { ...task, choices }, caps, {
        budgetMs,
        rotateBytes: rotation(caps),
        signal: options.signal,
      });
      if (found === undefined) continue;
      ranking.learn(op, found.timed);
      const heuristic = choices[0]!;
      const { choice, ms, heuristicMs, left: untried } = found;
      // A look that was cut short says less than an earlier one that was not.
      if (untried === 0 || table.entry(op, shape)?.untried !== 0)
        table.set(op, shape, { choice, ms, heuristic, heuristicMs, untried });
      const { rejected, timed } = found;
      const measured = { choice, ms, heuristic, heuristicMs, rejected };
      tuned.push({ op, shape, label, runs, ...measured, tried: timed.length, left: untried });
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

/** Undefined where the operands are too large to be timed. */
async function searchOrSkip(
  timer: KernelTimer,
  { graph, choices }: TuningTask,
  caps: DeviceCaps,
  options: SearchOptions,
): Promise<SearchResult | undefined> {
  try {
    return await searchChoice(timer, graph, caps, choices, options);
  } catch (error) {
    if (error instanceof UnclipError && error.code === 'GPU_OUT_OF_MEMORY') return undefined;
    throw error;
  }
}

/** Smaller than for benchmarks: filling it anew for every class takes time. */
const rotation = ({ software }: DeviceCaps): number => (software ? 24 : 256) * 2 ** 20;

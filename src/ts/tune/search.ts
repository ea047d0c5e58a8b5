import { compileGraph } from '../graph/compile.js';
import type { Graph } from '../graph/types.js';
import type { Choice, DeviceCaps, Tolerance } from '../ops/types.js';
import type { KernelTimer } from '../runtime/kernel-timer.js';
import type { OperandSets } from '../runtime/operand-sets.js';
import { randomWeights } from '../runtime/random-data.js';
import { UnclipError } from '../util/errors.js';
import { quantile } from '../util/statistics.js';
import { describeChoice } from './candidates.js';

export interface SearchOptions {
  /** About how long the search may take, compiling included; what is under way is finished. */
  readonly budgetMs: number;
  /** Bytes over which timed runs rotate; see OperandOptions. */
  readonly rotateBytes?: number;
  readonly signal?: AbortSignal;
}

/** A candidate that may not be chosen, and why. */
export interface Rejection {
  readonly choice: Choice;
  readonly reason: string;
}

export interface SearchResult {
  readonly choice: Choice;
  /** Of one run, measured in turn with the heuristic's choice. */
  readonly ms: number;
  readonly heuristicMs: number;
  /** The candidates that were timed, the heuristic's first; slow ones by one run. */
  readonly timed: readonly { readonly choice: Choice; readonly ms: number }[];
  /** Not tried for want of time. */
  readonly left: number;
  readonly rejected: readonly Rejection[];
}

/** A candidate has to be this much faster than the heuristic's choice: below, it is noise. */
const MIN_GAIN = 1.03;
/** A GPU's driver compiles on other cores while the GPU is timed; a CPU driver has no others. */
const COMPILED_AHEAD = 6;
/** Candidates slower than this multiple of the fastest are out after the first look. */
const FIRST_CUT = 1.5;
/** One run of this multiple of the fastest says enough, whatever else the machine does. */
const HOPELESS = 3;
/** Binding each candidate to every set takes time as well. */
const MAX_SETS = 16;
const FIRST_SAMPLES = 3;
const ROUND_SAMPLES = 5;
/** The last two meet this often, with so many samples each time. */
const DUEL_ROUNDS = 4;
const DUEL_SAMPLES = 4;

/** One candidate with the times of its samples. */
interface Runner {
  readonly choice: Choice;
  readonly compiled: ReturnType<typeof compileGraph>;
  samples: number[];
  /** Runs in a sample, once known. */
  repeats?: number;
}

/**
 * Time of a run from its samples. Disturbance only ever adds, so what lies near the minimum is steadier than the median on a
 * machine that does other things, and less a matter of luck than the minimum itself.
 */
const timeOf = (runner: Runner): number => quantile(runner.samples, 0.1);

/**
 * Finds the fastest candidate for a graph of one node. Each is first run once and held against the result of the heuristic's
 * choice, then timed shortly; the better half is timed again, in turn, until one is left (successive halving). That one and the heuristic's
 * choice are then timed anew, in turn, and only those times count: the fastest of many noisy ones looks faster than it is.
 * @param graph one node, see isolate
 * @param choices the heuristic's first
 * @throws UnclipError GPU_DEVICE_LOST, CANCELLED
 */
export async function searchChoice(
  timer: KernelTimer,
  graph: Graph,
  caps: DeviceCaps,
  choices: readonly Choice[],
  options: SearchOptions,
): Promise<SearchResult> {
  const end = performance.now() + options.budgetMs;
  const compile = (choice: Choice): Runner['compiled'] => compileGraph(graph, caps, { choose: () => choice });
  const heuristic: Runner = { choice: choices[0]!, compiled: compile(choices[0]!), samples: [] };
  const operands = await timer.operands(heuristic.compiled, randomWeights(), {
    rotateBytes: options.rotateBytes,
    maxSets: MAX_SETS,
  });
  try {
    const expected = await timer.run(heuristic.compiled, operands);
    const tolerance = heuristic.compiled.nodes[0]!.record.tolerance[graph.dtype];
    await sample(timer, heuristic, operands, FIRST_SAMPLES);
    const runners = [heuristic];
    let fastest = timeOf(heuristic);
    const rejected: Rejection[] = [];
    let left = 0;
    const ahead = caps.software ? 0 : COMPILED_AHEAD;
    for (const [i, choice] of choices.entries()) {
      if (i === 0) continue;
      cancelIfAborted(options.signal);
      if (performance.now() > end) {
        left++;
        continue;
      }
      for (const next of choices.slice(i + 1, i + 1 + ahead)) compileAhead(timer, () => compile(next));
      try {
        const runner: Runner = { choice, compiled: compile(choice), samples: [] };
        const difference = disagreement(await timer.run(runner.compiled, operands), expected, tolerance);
        if (difference !== undefined) throw new UnclipError('GRAPH_INVALID', difference);
        await sample(timer, runner, operands, FIRST_SAMPLES, fastest * HOPELESS);
        runners.push(runner);
        fastest = Math.min(fastest, timeOf(runner));
      } catch (error) {
        if (!(error instanceof UnclipError) || error.code === 'GPU_DEVICE_LOST') throw error;
        rejected.push({ choice, reason: error.message });
      }
    }
    const timed = runners.map((runner) => ({ choice: runner.choice, ms: timeOf(runner) }));
    const best = await halve(timer, runners, operands, end, options.signal);
    if (best !== heuristic) await duel(timer, [heuristic, best], operands);
    const faster = timeOf(heuristic) / timeOf(best) > MIN_GAIN;
    return {
      choice: faster ? best.choice : heuristic.choice,
      ms: faster ? timeOf(best) : timeOf(heuristic),
      heuristicMs: timeOf(heuristic),
      timed,
      left,
      rejected,
    };
  } finally {
    operands.destroy();
  }
}

/** What fails here fails again, and is told, when it is this candidate's turn. */
function compileAhead(timer: KernelTimer, compile: () => Runner['compiled']): void {
  try {
    timer.prepare(compile()).catch(() => undefined);
  } catch {
    return;
  }
}

/** The fastest of some, the first of which is the heuristic's choice. */
async function halve(
  timer: KernelTimer,
  runners: readonly Runner[],
  operands: OperandSets,
  end: number,
  signal: AbortSignal | undefined,
): Promise<Runner> {
  const fastest = Math.min(...runners.map(timeOf));
  let field = [...runners].sort((a, b) => timeOf(a) - timeOf(b)).filter((r) => timeOf(r) <= fastest * FIRST_CUT);
  while (field.length > 1 && performance.now() < end) {
    cancelIfAborted(signal);
    for (const runner of field) await sample(timer, runner, operands, ROUND_SAMPLES);
    field = field.sort((a, b) => timeOf(a) - timeOf(b)).slice(0, Math.ceil(field.length / 2));
  }
  return field[0]!;
}

/** Times some anew, in turn. */
async function duel(timer: KernelTimer, runners: readonly Runner[], operands: OperandSets): Promise<void> {
  for (const runner of runners) runner.samples = [];
  for (let round = 0; round < DUEL_ROUNDS; round++)
    for (const runner of runners) await sample(timer, runner, operands, DUEL_SAMPLES);
}

async function sample(
  timer: KernelTimer,
  runner: Runner,
  operands: OperandSets,
  samples: number,
  giveUpMs?: number,
): Promise<void> {
  const options = { samples, maxMs: 1000, minSamples: 2, repeats: runner.repeats, giveUpMs };
  const { samplesMs, repeats } = await timer.time(runner.compiled, operands, options);
  runner.samples.push(...samplesMs);
  runner.repeats = repeats;
}

/**
 * In what two results differ by more than rounding; undefined when they agree. Each may be off its true value by the op's
 * tolerance, so their difference by twice that.
 */
export function disagreement(
  results: Readonly<Record<string, Float32Array>>,
  expected: Readonly<Record<string, Float32Array>>,
  tolerance: Tolerance,
): string | undefined {
  for (const [name, values] of Object.entries(expected)) {
    const result = results[name];
    if (result === undefined || result.length !== values.length) return `${name} is missing or of another size`;
    let squares = 0;
    let norm = 0;
    let maxAbs = 0;
    for (let i = 0; i < values.length; i++) {
      const difference = Math.abs(result[i]! - values[i]!);
      if (!(difference <= maxAbs)) maxAbs = difference;
      squares += difference * difference;
      norm += values[i]! * values[i]!;
      if (Number.isNaN(maxAbs)) break;
    }
    const relL2 = Math.sqrt(squares / Math.max(norm, 1e-30));
    // Written so that NaN fails.
    if (!(relL2 <= 2 * tolerance.relL2 && maxAbs <= 2 * tolerance.maxAbs))
      return `differs from the heuristic's choice by ${relL2.toExponential(1)} (relative L2), ${maxAbs.toExponential(1)} (max-abs)`;
  }
  return undefined;
}

function cancelIfAborted(signal: AbortSignal | undefined): void {
  if (signal?.aborted) throw new UnclipError('CANCELLED', 'tuning was stopped; what was measured is kept');
}

/** One line about a candidate that was turned down. */
export const describeRejection = ({ choice, reason }: Rejection): string => `${describeChoice(choice)}: ${reason}`;

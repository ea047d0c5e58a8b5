import { preprocess } from '../gpu/preprocess.js';
import { type CompiledGraph, compileGraph, variantRuns } from '../graph/compile.js';
import { operandName, RESULT } from '../graph/isolate.js';
import type { Graph } from '../graph/types.js';
import { findOp } from '../ops/registry.js';
import type { Kernel, OpCall, Tolerance } from '../ops/types.js';
import type { KernelTimer, KernelTiming } from '../runtime/kernel-timer.js';
import type { OperandSets } from '../runtime/operand-sets.js';
import type { Runtime } from '../runtime/runtime.js';
import { UnclipError } from '../util/errors.js';
import { meaningfulOperands } from './operand-values.js';
import { OPERAND_WEIGHTS, weightValues } from './operand-weights.js';
import { referenceOf } from './reference/reference.js';
import type { Sample } from './reference/sample.js';
import { bandwidthOf, peakOf } from './roofline.js';
import type { Measured, Roofline, Unit } from './schema.js';
import { spreadOf } from './statistics.js';

export interface MeasureOptions {
  /** Timed runs of each kernel. */
  readonly runs: number;
  /** Peaks that speeds are held against; without them no percentages are given. */
  readonly roofline?: Roofline;
  readonly signal?: AbortSignal;
}

/** Sets of operands that runs take turns with, at most: small ones fill a cache's size with many. */
const MAX_SETS = 512;

/** Errors that say that a shape is too large here, not that a kernel is broken. */
const TOO_LARGE = ['GPU_OUT_OF_MEMORY', 'GPU_LIMIT_EXCEEDED', 'INPUT_TOO_LARGE'];

/** What decides on kernels: the adapter, and what a tuner measured on it. */
export type Chooser = Pick<Runtime, 'caps' | 'choose'>;

/** The names of the variants that run an isolated node, in the record's order, and which of them the engine takes. */
export function variantsOf(graph: Graph, { caps, choose }: Chooser): { names: string[]; chosen: string } {
  const { record, call, variant } = compileGraph(graph, caps, { choose }).nodes[0]!;
  return { names: record.variants.filter((v) => variantRuns(v, call, caps)).map((v) => v.name), chosen: variant };
}

/** An isolated node in a variant, with the tuning that the engine would give it. */
function compileVariant(graph: Graph, variant: string, { caps, choose }: Chooser): CompiledGraph {
  const chosen = compileGraph(graph, caps, { choose }).nodes[0]!;
  const { op } = chosen.node;
  const tunings = chosen.variant === variant ? { [op]: chosen.tuning } : undefined;
  return compileGraph(graph, caps, { variants: { [op]: variant }, tunings });
}

/**
 * Times an isolated node in each of some variants and checks each against fp64 on the same operands. A variant whose result is
 * off gets no time at all. What goes wrong in one variant is reported in its row; a lost device is thrown.
 */
export async function measureNode(
  { runtime, timer }: { readonly runtime: Runtime; readonly timer: KernelTimer },
  graph: Graph,
  variants: readonly string[],
  options: MeasureOptions,
  onRow: (row: Measured) => void,
): Promise<void> {
  const op = graph.nodes[0]!.op;
  const { tolerance } = findOp(op);
  let operands: OperandSets | undefined;
  let sample: Sample | undefined;
  try {
    for (const variant of variants) {
      if (options.signal?.aborted) return;
      let compiled: CompiledGraph | undefined;
      try {
        compiled = compileVariant(graph, variant, runtime);
        const { call } = compiled.nodes[0]!;
        operands ??= await timer.operands(compiled, OPERAND_WEIGHTS, {
          inputs: meaningfulOperands(op, call),
          maxSets: MAX_SETS,
        });
        sample ??= referenceOf(op, { call, values: valuesOf(call, operands) });
        const { [RESULT]: result } = await timer.run(compiled, operands);
        const error = errorOf(result!, sample, tolerance[graph.dtype]);
        const base = describe(compiled, error);
        if (base.status === 'wrong') onRow(base);
        else {
          const timing = await timer.time(compiled, operands, { samples: options.runs, minSamples: options.runs });
          onRow(withSpeed(base, timing, unitOf(compiled.nodes[0]!.kernels), options.roofline));
        }
      } catch (problem) {
        if (!(problem instanceof UnclipError) || problem.code === 'GPU_DEVICE_LOST') throw problem;
        onRow(failure(op, graph, variant, compiled, problem));
      }
    }
  } finally {
    operands?.destroy();
  }
}

/** What the operands of an isolated node hold, by position; each is read once. */
function valuesOf(call: OpCall, operands: OperandSets): (position: number) => Float32Array | Uint32Array {
  const known = new Map<number, Float32Array | Uint32Array>();
  return (position) => {
    let values = known.get(position);
    if (values === undefined) {
      const tensor = call.inputs[position]!;
      values = tensor.kind === 'weight' ? weightValues(call, tensor) : operands.inputValues(operandName(position));
      known.set(position, values);
    }
    return values;
  };
}

/** Error of a result on a sample; a value anywhere in the result that is no finite number counts as an infinite error. */
export function errorOf(
  result: Float32Array,
  { indices, expected }: Sample,
  tolerance: Tolerance,
): NonNullable<Measured['error']> {
  let [squares, norm, maxAbs] = [0, 0, 0];
  indices.forEach((at, i) => {
    const difference = result[at]! - expected[i]!;
    squares += difference ** 2;
    norm += expected[i]! ** 2;
    maxAbs = Math.max(maxAbs, Math.abs(difference));
  });
  const finite = result.every(Number.isFinite);
  const relL2 = Math.sqrt(squares / Math.max(norm, 1e-30));
  return {
    relL2: finite ? relL2 : null,
    maxAbs: finite ? maxAbs : null,
    samples: indices.length,
    tolerance: { relL2: tolerance.relL2, maxAbs: tolerance.maxAbs },
  };
}

const within = ({ relL2, maxAbs, tolerance }: NonNullable<Measured['error']>): boolean =>
  relL2 !== null && maxAbs !== null && relL2 <= tolerance.relL2 && maxAbs <= tolerance.maxAbs;

function describe(compiled: CompiledGraph, error: NonNullable<Measured['error']>): Measured {
  const { node, record, call, variant, tuning, kernels } = compiled.nodes[0]!;
  const [flops, bytes] = [record.flops(call), record.bytes(call)];
  return {
    op: node.op,
    dtype: compiled.graph.dtype,
    variant,
    tuning: { ...tuning },
    dispatches: kernels.length,
    flops,
    bytes,
    intensity: flops / bytes,
    status: within(error) ? 'ok' : 'wrong',
    error,
  };
}

function failure(
  op: string,
  graph: Graph,
  variant: string,
  compiled: CompiledGraph | undefined,
  problem: UnclipError,
): Measured {
  const node = compiled?.nodes[0];
  const [flops, bytes] = node === undefined ? [0, 1] : [node.record.flops(node.call), node.record.bytes(node.call)];
  return {
    op,
    dtype: graph.dtype,
    variant,
    tuning: {},
    dispatches: node?.kernels.length ?? 0,
    flops,
    bytes,
    intensity: flops / bytes,
    status: TOO_LARGE.includes(problem.code) ? 'skipped' : 'failed',
    message: `${problem.code}: ${problem.message}`,
  };
}

/** The unit whose peak a kernel is held against, by what its text uses. Sums are f32 in every kernel that has no better unit. */
function unitOf(kernels: readonly Kernel[]): Unit {
  const texts = kernels.map((k) => preprocess(k.shader, k.defines));
  if (texts.some((t) => t.includes('subgroupMatrixMultiplyAccumulate'))) return 'matrix';
  return texts.some((t) => t.includes('dot4I8Packed')) ? 'int8' : 'f32';
}

function withSpeed(row: Measured, timing: KernelTiming, unit: Unit, roofline?: Roofline): Measured {
  const ms = spreadOf(timing);
  const gflops = row.flops / 1e6 / ms.median;
  const gbs = row.bytes / 1e6 / ms.median;
  const compute = roofline && peakOf(roofline, unit);
  const bandwidth = roofline && bandwidthOf(roofline);
  const { clock, rotatedBytes } = timing;
  const base = { ...row, ms, clock, rotatedBytes, gflops, gbs };
  if (bandwidth === undefined || compute === undefined) return base;
  // Least time: the larger of what the arithmetic and what the bytes take at their peaks.
  const [arithmetic, memory] = [row.flops / 1e6 / compute, row.bytes / 1e6 / bandwidth];
  const bound = arithmetic > memory ? 'compute' : 'memory';
  return { ...base, roof: { unit, bound, percent: (100 * Math.max(arithmetic, memory)) / ms.median } };
}

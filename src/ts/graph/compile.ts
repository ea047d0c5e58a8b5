import { findOp } from '../ops/registry.js';
import type { Choice, DeviceCaps, Kernel, OpCall, OpRecord, Tuning, Variant } from '../ops/types.js';
import { UnclipError } from '../util/errors.js';
import { fuse } from './fuse.js';
import { type Interval, type MemoryPlan, planMemory } from './plan.js';
import { type WeightFormat, withWeights } from './quantize.js';
import { lowerPerImage } from './split.js';
import { type Graph, type Node, type Tensor, tensorBytes } from './types.js';

export interface CompileOptions {
  /** Storage of matrix weights. Default `full`. */
  readonly weights?: WeightFormat;
  /** Variant by op name, or one name for all ops (`portable`); ops that lack the named variant keep their own choice. */
  readonly variants?: string | Readonly<Record<string, string>>;
  /** Tuning by op name, for ops whose variant is forced: benchmarks and tests. */
  readonly tunings?: Readonly<Record<string, Tuning>>;
  /** What was measured to be best for a call; undefined (or a variant that does not run it) leaves it to the heuristic. */
  readonly choose?: (record: OpRecord, call: OpCall) => Choice | undefined;
}

/** One operation after fusion, with the kernels that carry it out. */
export interface CompiledNode {
  readonly node: Node;
  readonly call: OpCall;
  readonly record: OpRecord;
  readonly variant: string;
  readonly tuning: Tuning;
  readonly kernels: readonly Kernel[];
}

/** A graph ready to be recorded: chosen kernels, and where every temporary lies. */
export interface CompiledGraph {
  readonly graph: Graph;
  /** Graph tensors followed by scratch tensors of the kernels. */
  readonly tensors: readonly Tensor[];
  readonly nodes: readonly CompiledNode[];
  readonly plan: MemoryPlan;
  readonly dispatches: number;
  readonly weightBytes: number;
  readonly stateBytes: number;
}

/** Fuses, chooses kernel variants, and plans memory. Pure: runs without a GPU from capabilities alone. */
export function compileGraph(source: Graph, caps: DeviceCaps, options: CompileOptions = {}): CompiledGraph {
  const graph = separateOperands(fuse(withWeights(source, options.weights)));
  const tensors: Tensor[] = [...graph.tensors];
  const nodes: CompiledNode[] = [];
  const scratchOf = new Map<CompiledNode, readonly Tensor[]>();
  for (const node of graph.nodes) {
    const record = findOp(node.op);
    const bare: OpCall = {
      inputs: node.inputs.map((id) => (id === null ? null : tensors[id]!)),
      outputs: node.outputs.map((id) => tensors[id]!),
      scratch: [],
      attrs: node.attrs,
      dtype: graph.dtype,
      label: node.label,
    };
    const { variant, tuning } = chooseVariant(record, bare, caps, options);
    const scratch = (variant.scratch?.(bare, caps, tuning) ?? []).map((shape, i): Tensor => {
      const t: Tensor = {
        id: tensors.length,
        name: `${node.label}.scratch${i}`,
        shape,
        dtype: 'f32',
        kind: 'temporary',
      };
      tensors.push(t);
      return t;
    });
    const call = { ...bare, scratch };
    const kernels = lowerPerImage(node.op, call, variant, caps, tuning) ?? variant.lower(call, caps, tuning);
    for (const kernel of kernels) checkKernel(kernel, tensors, caps, node.label);
    const compiled = { node, call, record, variant: variant.name, tuning, kernels };
    scratchOf.set(compiled, scratch);
    nodes.push(compiled);
  }
  const plan = planMemory(liveness(tensors, nodes, scratchOf));
  const used = usedTensors(tensors, nodes);
  const bytesOf = (kind: Tensor['kind']): number =>
    used.filter((t) => t.kind === kind && t.aliasOf === undefined).reduce((sum, t) => sum + tensorBytes(t), 0);
  return {
    graph,
    tensors,
    nodes,
    plan,
    dispatches: nodes.reduce((sum, n) => sum + n.kernels.length, 0),
    weightBytes: bytesOf('weight'),
    stateBytes: bytesOf('state'),
  };
}

/** Ops whose lowering never binds an operand twice in one kernel even when it is named twice. */
const BINDS_ONCE = new Set(['concat', 'diffusionStep']);

/** A tensor lives in a read-write binding and may be bound once per kernel: a second mention becomes a copy. */
function separateOperands(graph: Graph): Graph {
  const tensors = [...graph.tensors];
  const nodes: Node[] = [];
  const root = (id: number): number => tensors[id]!.aliasOf ?? id;
  for (const node of graph.nodes) {
    if (BINDS_ONCE.has(node.op)) {
      nodes.push(node);
      continue;
    }
    const seen = new Set<number>();
    const inputs = node.inputs.map((id) => {
      if (id === null || tensors[id]!.kind === 'weight') return id;
      if (!seen.has(root(id))) {
        seen.add(root(id));
        return id;
      }
      const original = tensors[id]!;
      const copy: Tensor = {
        id: tensors.length,
        name: `${original.name}.copy`,
        shape: original.shape,
        dtype: original.dtype,
        kind: 'temporary',
      };
      tensors.push(copy);
      nodes.push({
        op: 'repeatBatch',
        inputs: [id],
        outputs: [copy.id],
        attrs: { times: 1, dtype: original.dtype },
        label: `${node.label}.copy`,
      });
      return copy.id;
    });
    nodes.push({ ...node, inputs });
  }
  return { ...graph, tensors, nodes };
}

/** Forced by name, else measured, else the first that runs the call with its heuristic's tuning. */
function chooseVariant(
  record: OpRecord,
  call: OpCall,
  caps: DeviceCaps,
  options: CompileOptions,
): { variant: Variant; tuning: Tuning } {
  const runs = (v: Variant): boolean => variantRuns(v, call, caps);
  const find = (name: string | undefined): Variant | undefined =>
    record.variants.find((v) => v.name === name && runs(v));
  const heuristic = (variant: Variant): Tuning => variant.tunings?.(call, caps)[0] ?? {};
  const wanted = typeof options.variants === 'string' ? options.variants : options.variants?.[record.name];
  const forced = find(wanted);
  if (forced !== undefined) return { variant: forced, tuning: options.tunings?.[record.name] ?? heuristic(forced) };
  if (typeof options.variants === 'object' && wanted !== undefined)
    throw new UnclipError(
      'GRAPH_INVALID',
      `variant '${wanted}' of ${record.name} does not run '${call.label}' on this adapter`,
    );
  const choice = wanted === undefined ? options.choose?.(record, call) : undefined;
  const chosen = find(choice?.variant);
  if (chosen !== undefined) return { variant: chosen, tuning: choice!.tuning };
  const variant = record.variants.find((v) => runs(v) && isPreferred(v, call, caps)) ?? record.variants.find(runs);
  if (variant === undefined)
    throw new UnclipError('GRAPH_INVALID', `no kernel of ${record.name} runs '${call.label}' on this adapter`);
  return { variant, tuning: heuristic(variant) };
}

/** Whether a variant can carry out a call on an adapter. */
export const variantRuns = (variant: Variant, call: OpCall, caps: DeviceCaps): boolean =>
  variant.weights === weightsOf(call) && variant.supports(call, caps);

/** Whether a variant that runs is worth a try. */
export const isPreferred = (variant: Variant, call: OpCall, caps: DeviceCaps): boolean =>
  variant.preferred?.(call, caps) ?? true;

/** Whether the matrix weights of a call are quantised. */
const weightsOf = (call: OpCall): Variant['weights'] => (call.inputs.some((t) => t?.dtype === 'i8') ? 'q8' : undefined);

function checkKernel(kernel: Kernel, tensors: readonly Tensor[], caps: DeviceCaps, label: string): void {
  if (kernel.params.length > 16) throw new UnclipError('GRAPH_INVALID', `${label}: more than 64 bytes of parameters`);
  for (const binding of kernel.bindings) {
    if (binding.tensor === null) continue;
    const bytes = binding.size ?? tensorBytes(tensors[binding.tensor]!);
    if (bytes > caps.maxBindingBytes)
      throw new UnclipError(
        'GPU_LIMIT_EXCEEDED',
        `'${label}' needs ${bytes} bytes in one binding, this adapter allows ${caps.maxBindingBytes}; use a smaller batch or f16`,
      );
  }
}

function liveness(
  tensors: readonly Tensor[],
  nodes: readonly CompiledNode[],
  scratchOf: ReadonlyMap<CompiledNode, readonly Tensor[]>,
): Interval[] {
  const ranges = new Map<number, { first: number; last: number }>();
  const touch = (id: number, step: number): void => {
    const root = tensors[id]!.aliasOf ?? id;
    if (tensors[root]!.kind !== 'temporary') return;
    const range = ranges.get(root);
    if (range === undefined) ranges.set(root, { first: step, last: step });
    else range.last = step;
  };
  nodes.forEach((compiled, step) => {
    for (const id of compiled.node.outputs) touch(id, step);
    for (const id of compiled.node.inputs) if (id !== null) touch(id, step);
    for (const t of scratchOf.get(compiled)!) touch(t.id, step);
  });
  return [...ranges].map(([id, range]) => ({ id, bytes: tensorBytes(tensors[id]!), ...range }));
}

/** Tensors that a kernel still touches after fusion. */
function usedTensors(tensors: readonly Tensor[], nodes: readonly CompiledNode[]): Tensor[] {
  const ids = new Set<number>();
  for (const { node } of nodes)
    for (const id of [...node.inputs, ...node.outputs]) if (id !== null) ids.add(tensors[id]!.aliasOf ?? id);
  return [...ids].map((id) => tensors[id]!);
}

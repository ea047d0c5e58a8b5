import type { Attrs, Graph, Node, Tensor } from './types.js';

/**
 * Merges element-wise operations into the kernel that makes their operand, so that a tensor crosses memory once:
 * norm → scale-shift → activation, linear/conv → per-image bias → activation → residual sum, nearest enlargement → conv.
 * A tensor that is an output, a hook or used twice stays as it is.
 */
export function fuse(graph: Graph): Graph {
  let nodes: readonly Node[] = graph.nodes;
  for (;;) {
    const next = pass(graph, nodes);
    if (next.length === nodes.length) return { ...graph, nodes: next };
    nodes = next;
  }
}

interface Context {
  readonly tensors: readonly Tensor[];
  /** The node that makes `id`, when nothing but one node reads it; else undefined. */
  soleProducer(id: number | null | undefined): Node | undefined;
  /** Execution index of the node that makes a tensor; −1 for inputs and weights. */
  madeAt(id: number): number;
}

function pass(graph: Graph, nodes: readonly Node[]): Node[] {
  const uses = new Map<number, number>();
  const producer = new Map<number, number>();
  const aliased = new Set<number>();
  for (const t of graph.tensors) if (t.aliasOf !== undefined) aliased.add(t.aliasOf).add(t.id);
  nodes.forEach((node, index) => {
    for (const id of node.inputs) if (id !== null) uses.set(id, (uses.get(id) ?? 0) + 1);
    for (const id of node.outputs) producer.set(id, index);
  });
  const context: Context = {
    tensors: graph.tensors,
    soleProducer(id) {
      if (id === null || id === undefined || aliased.has(id)) return undefined;
      if (graph.tensors[id]!.kind !== 'temporary' || uses.get(id) !== 1) return undefined;
      const index = producer.get(id);
      return index === undefined ? undefined : nodes[index];
    },
    madeAt: (id) => producer.get(graph.tensors[id]!.aliasOf ?? id) ?? -1,
  };

  const replaced = new Set<Node>();
  const result: Node[] = [];
  for (const node of nodes) {
    const fusion = replacedInputs(node, replaced) ? undefined : fusionOf(node, context);
    if (fusion === undefined) {
      result.push(node);
    } else {
      replaced.add(fusion.absorbed);
      replaced.add(node);
      result.push(fusion.node);
    }
  }
  return result.filter((n) => !replaced.has(n));

  /** A node whose operand's maker was already rewritten in this pass waits for the next one. */
  function replacedInputs(node: Node, done: ReadonlySet<Node>): boolean {
    return node.inputs.some((id) => id !== null && producer.has(id) && done.has(nodes[producer.get(id)!]!));
  }
}

interface Fusion {
  readonly node: Node;
  readonly absorbed: Node;
}

function fusionOf(node: Node, c: Context): Fusion | undefined {
  switch (node.op) {
    case 'scaleShift':
      return fuseScaleShift(node, c);
    case 'activation':
      return fuseActivation(node, c);
    case 'add':
      return fuseAdd(node, c);
    case 'conv2d':
      return fuseUpsample(node, c);
    default:
      return undefined;
  }
}

const merged = (base: Node, by: Node, inputs: Node['inputs'], attrs: Attrs): Fusion => ({
  node: { op: base.op, inputs, outputs: by.outputs, attrs: { ...base.attrs, ...attrs }, label: base.label },
  absorbed: base,
});

function fuseScaleShift(node: Node, c: Context): Fusion | undefined {
  const norm = c.soleProducer(node.inputs[0]);
  if (norm?.op !== 'groupNorm' || norm.attrs.act !== 'none' || norm.inputs[3] !== null) return undefined;
  return merged(norm, node, [norm.inputs[0]!, norm.inputs[1]!, norm.inputs[2]!, node.inputs[1]!], {});
}

function fuseActivation(node: Node, c: Context): Fusion | undefined {
  const base = c.soleProducer(node.inputs[0]);
  if (base === undefined || base.attrs.act !== 'none') return undefined;
  if (base.op === 'groupNorm' && node.attrs.act === 'silu') return merged(base, node, base.inputs, { act: 'silu' });
  const residual = base.op === 'linear' ? base.inputs[3] : base.op === 'conv2d' ? base.inputs[4] : undefined;
  if (residual !== null) return undefined;
  return merged(base, node, base.inputs, { act: node.attrs.act! });
}

/** The position of the residual operand of an op that can take one. */
const RESIDUAL: Readonly<Record<string, number>> = { linear: 3, conv2d: 4 };

function fuseAdd(node: Node, c: Context): Fusion | undefined {
  if (node.attrs.scale !== undefined) return undefined;
  const [a, b] = node.inputs as [number, number];
  const sameShape = equalShapes(c.tensors[a]!, c.tensors[b]!);
  if (!sameShape) return fuseImageBias(node, a, b, c);
  // The later of the two operands takes the sum: by then the other one is there.
  const candidates = c.madeAt(a) > c.madeAt(b) ? [a, b] : [b, a];
  for (const own of candidates) {
    const other = own === a ? b : a;
    const base = c.soleProducer(own);
    const position = base === undefined ? undefined : RESIDUAL[base.op];
    if (base === undefined || position === undefined || base.inputs[position] !== null) continue;
    if (c.tensors[other]!.kind === 'weight' || sharesMemory(base, other, c)) continue;
    return merged(base, node, replaceAt(base.inputs, position, other), {});
  }
  return undefined;
}

/** conv → + emb[B, C] becomes the conv's per-image bias. */
function fuseImageBias(node: Node, a: number, b: number, c: Context): Fusion | undefined {
  const conv = c.soleProducer(a);
  const bias = c.tensors[b]!;
  if (conv?.op !== 'conv2d' || conv.attrs.act !== 'none' || conv.inputs[3] !== null || conv.inputs[4] !== null)
    return undefined;
  const out = c.tensors[a]!;
  if (bias.kind === 'weight' || bias.shape.length !== 2 || bias.shape[0] !== out.shape[0]) return undefined;
  return merged(conv, node, replaceAt(conv.inputs, 3, b), {});
}

/** upsample → conv reads the small picture; upsample → residual of a conv likewise. */
function fuseUpsample(node: Node, c: Context): Fusion | undefined {
  const up = c.soleProducer(node.inputs[0]);
  if (up?.op === 'upsampleNearest2x' && node.attrs.upsample === 1 && node.attrs.stride === 1)
    return absorb(node, up, replaceAt(node.inputs, 0, up.inputs[0]!), { upsample: 2 });
  const residual = c.soleProducer(node.inputs[4]);
  if (
    residual?.op === 'upsampleNearest2x' &&
    node.attrs.residualUpsample === false &&
    !sharesMemory(node, residual.inputs[0]!, c)
  )
    return absorb(node, residual, replaceAt(node.inputs, 4, residual.inputs[0]!), { residualUpsample: true });
  return undefined;
}

const absorb = (node: Node, absorbed: Node, inputs: Node['inputs'], attrs: Attrs): Fusion => ({
  node: { ...node, inputs, attrs: { ...node.attrs, ...attrs } },
  absorbed,
});

/** Whether `id` is already an operand of `base`: a kernel may bind a tensor once only. */
function sharesMemory(base: Node, id: number, c: Context): boolean {
  const root = c.tensors[id]!.aliasOf ?? id;
  return base.inputs.some((i) => i !== null && (c.tensors[i]!.aliasOf ?? i) === root);
}

const replaceAt = (inputs: Node['inputs'], position: number, id: number): Node['inputs'] =>
  inputs.map((value, i) => (i === position ? id : value));

const equalShapes = (a: Tensor, b: Tensor): boolean =>
  a.shape.length === b.shape.length && a.shape.every((d, i) => d === b.shape[i]);

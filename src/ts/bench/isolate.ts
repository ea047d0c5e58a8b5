import type { CompiledGraph } from '../graph/compile.js';
import type { Graph, Node, Tensor } from '../graph/types.js';

/** Name of the operand at a position of an isolated node. */
export const operandName = (position: number): string => `operand${position}`;

/** Name of its first result. */
export const RESULT = 'result0';

/**
 * A graph of one node: its activations become state tensors `operand0`, `operand1`, … and `result0`, …; weights stay what they
 * are. What was one tensor stays one, so an op that works in place still does.
 */
export function isolate({ graph, tensors }: Pick<CompiledGraph, 'graph' | 'tensors'>, node: Node): Graph {
  const own: Tensor[] = [];
  const roots = new Map<number, Tensor>();
  const add = (t: Omit<Tensor, 'id'>): Tensor => {
    const tensor = { ...t, id: own.length };
    own.push(tensor);
    return tensor;
  };
  const bring = (id: number): number => {
    const tensor = tensors[id]!;
    const rootId = tensor.aliasOf ?? id;
    const known = roots.get(rootId);
    const { name, shape, dtype, weight } = tensor;
    const kind = tensors[rootId]!.kind === 'weight' ? 'weight' : 'state';
    if (known === undefined) {
      const root = add({ name, shape, dtype, kind, weight });
      roots.set(rootId, root);
      return root.id;
    }
    return known.shape.join() === shape.join() ? known.id : add({ name, shape, dtype, kind, aliasOf: known.id }).id;
  };
  const inputs = node.inputs.map((id) => (id === null ? null : bring(id)));
  const outputs = node.outputs.map(bring);
  const fed = inputs.flatMap((id, i): [string, number][] =>
    id === null || own[id]!.kind === 'weight' ? [] : [[operandName(i), id]],
  );
  return {
    name: node.op,
    dtype: graph.dtype,
    tensors: own,
    nodes: [{ ...node, inputs, outputs }],
    inputs: Object.fromEntries(fed),
    outputs: Object.fromEntries(outputs.map((id, i) => [`result${i}`, id])),
  };
}

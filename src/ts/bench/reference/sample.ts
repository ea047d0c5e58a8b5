import { elementCount } from '../../graph/types.js';
import type { OpCall } from '../../ops/types.js';

/** A node's operands as a reference sees them. */
export interface Operands {
  readonly call: OpCall;
  /** What the operand at a position holds, exactly as stored: activations channels last, weights as packed. */
  values(position: number): Float32Array | Uint32Array;
}

/** Some elements of a node's first result, in fp64. */
export interface Sample {
  /** Flat positions in the result. */
  readonly indices: readonly number[];
  readonly expected: Float64Array;
}

/** Computes some elements of a result: enough that no tile of a kernel goes unseen, few enough for any size. */
export type Reference = (operands: Operands) => Sample;

/**
 * At most `most` of the numbers 0 … extent − 1: the first, the last, and one at a pseudo-random place in each of as many equal
 * parts, so that neither a fixed stride nor an edge escapes.
 */
export function pick(extent: number, most: number): number[] {
  if (extent <= most) return Array.from({ length: extent }, (_, i) => i);
  const part = extent / most;
  let state = 0x9e3779b9;
  const chosen = new Set([0, extent - 1]);
  for (let i = 1; i < most - 1; i++) {
    state = (Math.imul(state, 1664525) + 1013904223) >>> 0;
    chosen.add(Math.min(extent - 1, Math.floor((i + state / 2 ** 32) * part)));
  }
  return [...chosen].sort((a, b) => a - b);
}

/** A sample of elements that are computed one by one, by their flat positions in the first result. */
export function elementwise(call: OpCall, value: (index: number) => number): Sample {
  const indices = pick(elementCount(call.outputs[0]!.shape), 4096);
  return { indices, expected: Float64Array.from(indices, value) };
}

import type { CompiledGraph } from '../graph/compile.js';

/**
 * What one replay of a graph cannot do without, from its op records: operations, and bytes when every operand is read once
 * and every result written once.
 */
export function floorsOf({ nodes }: CompiledGraph): { flops: number; bytes: number } {
  let flops = 0;
  let bytes = 0;
  for (const { record, call } of nodes) {
    flops += record.flops(call);
    bytes += record.bytes(call);
  }
  return { flops, bytes };
}

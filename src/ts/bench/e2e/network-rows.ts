import type { Program } from '../../runtime/program.js';
import type { StateTensor } from '../../runtime/state.js';
import { floorsOf } from '../floors.js';
import type { NetworkRow } from '../schema.js';

/** One row a compiled program: what it costs at least, and the memory planned for it. */
export function networkRows(programs: readonly Program[]): NetworkRow[] {
  // Two upsamplers of the same shape: the second is called so.
  const met = new Map<string, number>();
  return programs.map(({ compiled }) => {
    const { graph, plan, dispatches, weightBytes, stateBytes } = compiled;
    const { flops, bytes } = floorsOf(compiled);
    const number = (met.get(graph.name) ?? 0) + 1;
    met.set(graph.name, number);
    return {
      name: number === 1 ? graph.name : `${graph.name} (${number})`,
      dispatches,
      gflop: flops / 1e9,
      floorBytes: bytes,
      arenaBytes: plan.arenaBytes,
      lowerBoundBytes: plan.lowerBoundBytes,
      arenaRatio: plan.lowerBoundBytes === 0 ? 1 : plan.arenaBytes / plan.lowerBoundBytes,
      weightBytes,
      stateBytes,
    };
  });
}

/** Bytes of the state tensors of all programs, shared ones counted once. */
export function distinctStateBytes(programs: readonly Program[]): number {
  const states = new Set<StateTensor>();
  for (const program of programs) {
    const { inputs, outputs } = program.compiled.graph;
    for (const name of [...Object.keys(inputs), ...Object.keys(outputs)]) states.add(program.state(name));
  }
  return [...states].reduce((bytes, state) => bytes + state.bytes, 0);
}

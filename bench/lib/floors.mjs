/** @typedef {import('../../dist/runtime/program.js').Program} Program */

/**
 * What one replay of a program cannot do without, from its op records: operations, and bytes when every operand is read once
 * and every result written once.
 * @param {Program} program
 */
export function floorsOf(program) {
  let flops = 0;
  let bytes = 0;
  for (const { record, call } of program.compiled.nodes) {
    flops += record.flops(call);
    bytes += record.bytes(call);
  }
  return { flops, bytes };
}

/**
 * One row a compiled program: what it costs at least, and the memory planned for it.
 * @param {readonly Program[]} programs
 */
export function networkRows(programs) {
  /** @type {Map<string, number>} two upsamplers of the same shape: the second is called so */
  const met = new Map();
  return programs.map((program) => {
    const { graph, plan, dispatches, weightBytes, stateBytes } = program.compiled;
    const { flops, bytes } = floorsOf(program);
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

/** Bytes of the state tensors of all programs, shared ones counted once. @param {readonly Program[]} programs */
export function distinctStateBytes(programs) {
  const states = new Set();
  for (const program of programs) {
    const { inputs, outputs } = program.compiled.graph;
    for (const name of [...Object.keys(inputs), ...Object.keys(outputs)]) states.add(program.state(name));
  }
  return [...states].reduce((bytes, state) => bytes + state.bytes, 0);
}

import { loadavg } from 'node:os';
import { describeMachine } from '../../../dist/bench/machine.js';
import { GraphBuilder } from '../../../dist/graph/builder.js';
import { useTuning } from '../../../dist/pipelines/tuning.js';
import { Runtime } from '../../../dist/runtime/runtime.js';
import { describeChoice } from '../../../dist/tune/candidates.js';
import { tuneGraphs } from '../../../dist/tune/tune-graphs.js';
import { toHalfArray } from '../../../dist/util/half.js';
import { EPS, operandsOf, shapesOf } from '../lib/cases.mjs';
import { unetGraph } from '../unet.mjs';

let serial = 0;

/**
 * This engine, with the kernels that it would choose for a picture: by what was measured on this adapter, else by its rules. A
 * run is one submit of the case's graph.
 * @param {{ tuneMs: number }} options time to measure in before each case what no table knows; 0 for none
 * @returns {Promise<import('./worker.mjs').Engine>}
 */
export async function open({ tuneMs }) {
  const loadAverage = loadavg()[0];
  const runtime = await Runtime.open();
  const table = useTuning(runtime);
  const { adapter, caps } = runtime.device;
  const machine = describeMachine(adapter, caps, loadAverage);
  return {
    version: machine.unclip,
    adapter: adapter.name,
    dtypes: caps.f16 ? ['f32', 'f16'] : ['f32'],
    unet: true,
    machine,
    async prepare(c) {
      const { graph, source, inputs } = c.op === 'unet' ? unetGraph(c) : opGraph(c);
      if (tuneMs > 0)
        await tuneGraphs(runtime, table, [{ graph, runs: 1 }], { budgetMs: tuneMs, measure: 'unfinished' });
      const program = runtime.program(`case ${serial++}`, graph, source);
      for (const [name, values] of Object.entries(inputs)) program.state(name).write(values);
      await program.prepare();
      return {
        note: c.op === 'unet' ? `${program.compiled.dispatches} dispatches` : kernelsOf(program),
        async run(count) {
          const begin = performance.now();
          for (let i = 0; i < count; i++) runtime.submit([program]);
          await runtime.device.idle();
          return performance.now() - begin;
        },
        async output() {
          runtime.submit([program]);
          return program.state('y').read();
        },
        async release() {
          await runtime.device.idle();
          program.destroy();
        },
      };
    },
  };
}

/** @param {import('../lib/cases.mjs').Case} c */
function opGraph(c) {
  const operands = operandsOf(c);
  const shapes = shapesOf(c);
  const g = new GraphBuilder(c.op, { dtype: c.dtype });
  const inputs = {};
  const input = (name, shape = shapes[name], values = operands[name]) => {
    inputs[name] = values;
    return g.input(name, shape);
  };
  const vector = (name) => g.vectorWeight(shapes[name], [name]);
  const build = {
    matmul: () => g.linear(input('x'), g.linearWeight(c.k, [c.n], ['weight']), vector('bias'), c.n),
    conv: () =>
      g.conv2d(input('x'), g.convWeight(c.in, c.out, 3, 'weight'), vector('bias'), {
        outChannels: c.out,
        kernel: 3,
        pad: 1,
      }),
    attention: () => {
      const width = c.heads * c.headDim;
      const pairs = keysBesideValues(operands, width);
      const cut = 2 * c.context * width;
      const context = c.context === 0 ? null : input('context', [1, c.context, 2 * width], pairs.subarray(0, cut));
      const own = input('kv', [1, c.queries, 2 * width], pairs.subarray(cut));
      return g.attention(input('q'), own, { heads: c.heads, scale: c.headDim ** -0.5, context });
    },
    groupNorm: () => g.groupNorm(input('x'), vector('gamma'), vector('beta'), c.groups, EPS),
    layerNorm: () => g.layerNorm(input('x'), vector('gamma'), vector('beta'), EPS),
    softmax: () => g.softmax(input('x')),
  };
  g.output('y', build[c.op]());
  // The operands have the packed layout already: every width in suite.json is a multiple of 4.
  const source = {
    pack({ sources: [name] }, destination, dtype) {
      const values = dtype === 'f16' ? toHalfArray(operands[name]) : operands[name];
      destination.set(new Uint8Array(values.buffer, values.byteOffset, destination.byteLength));
    },
  };
  return { graph: g.build(), source, inputs };
}

/** Variants that run, with their tile sizes. @param {import('../../../dist/runtime/program.js').Program} program */
const kernelsOf = ({ compiled }) =>
  compiled.nodes
    .map(({ node, variant, tuning }) => [node.op, describeChoice({ variant, tuning })].join(' '))
    .join(', ');

/** k and v [L, C] as rows of [L, 2C]; the context's rows lead. */
function keysBesideValues({ k, v }, width) {
  const pairs = new Float32Array(2 * k.length);
  for (let row = 0; row * width < k.length; row++) {
    pairs.set(k.subarray(row * width, (row + 1) * width), 2 * row * width);
    pairs.set(v.subarray(row * width, (row + 1) * width), (2 * row + 1) * width);
  }
  return pairs;
}

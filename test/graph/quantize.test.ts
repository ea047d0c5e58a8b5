import { describe, expect, it } from 'vitest';
import { GraphBuilder } from '../../src/ts/graph/builder.js';
import { compileGraph } from '../../src/ts/graph/compile.js';
import { fuse } from '../../src/ts/graph/fuse.js';
import { quantizeWeights, withWeights } from '../../src/ts/graph/quantize.js';
import type { Graph, Tensor } from '../../src/ts/graph/types.js';
import { distinctWeights, weightSize } from '../../src/ts/models/parameters.js';
import type { DeviceCaps } from '../../src/ts/ops/types.js';

const CAPS: DeviceCaps = {
  subgroupSize: 0,
  subgroups: false,
  subgroupMaxSize: 0,
  matrixConfigs: [],
  f16: true,
  software: false,
  maxBindingBytes: 128 * 2 ** 20,
  maxWorkgroupBytes: 16384,
  maxInvocations: 256,
};

/** A convolution from 3 channels, one of 32 with everything that fuses into it, a linear layer, an embedding. */
function sample(): Graph {
  const g = new GraphBuilder('sample', { dtype: 'f16' });
  const pixels = g.input('pixels', [2, 8, 8, 3]);
  const first = g.conv2d(pixels, g.convWeight(3, 32, 3, 'first'), null, { outChannels: 32, kernel: 3, pad: 1 });
  const bias = g.vectorWeight([32], ['second.bias']);
  const second = g.conv2d(first, g.convWeight(32, 32, 3, 'second'), bias, { outChannels: 32, kernel: 3, pad: 1 });
  const summed = g.add(g.activation(g.add(second, g.input('emb', [2, 32])), 'silu'), first);
  const words = g.embedding(g.input('ids', [2, 4], 'u32'), g.copyWeight([50, 32], 'table'), null);
  const kv = g.linear(words, g.linearWeight(32, [32, 30], ['k', 'v']), null, 62);
  g.output('kv', g.activation(kv, 'gelu'));
  g.output('summed', summed);
  return g.build();
}

const weights = (graph: Graph): Tensor[] => graph.tensors.filter((t) => t.kind === 'weight');
const named = (graph: Graph, name: string): Tensor => graph.tensors.find((t) => t.name === name)!;

describe('quantizeWeights', () => {
  it('keeps matrices in int8 with a scale for each column, and everything else as it is', () => {
    const graph = quantizeWeights(sample());
    const types = Object.fromEntries(
      weights(graph).map((t) => [t.name, `${t.dtype} [${t.shape}] ${t.weight!.quantized ?? ''}`]),
    );
    expect(types).toEqual({
      first: 'f16 [3,3,3,32] ',
      second: 'i8 [3,3,32,32] values',
      'second scales': 'f32 [32] scales',
      'second.bias': 'f32 [32] ',
      table: 'f16 [50,32] ',
      'k+v': 'i8 [32,64] values',
      'k+v scales': 'f32 [64] scales',
    });
  });

  it('adds the scales after all other operands', () => {
    const { nodes, tensors } = quantizeWeights(sample());
    const conv = nodes.find((n) => n.label === 'conv' && tensors[n.inputs[1]!]!.name === 'second')!;
    expect(conv.inputs).toHaveLength(6);
    expect(tensors[conv.inputs[5]!]!.name).toBe('second scales');
    const linear = nodes.find((n) => n.op === 'linear')!;
    expect(linear.inputs.slice(2)).toEqual([null, null, named({ tensors } as Graph, 'k+v scales').id]);
  });

  it('fuses as before, on either side of the pass', () => {
    const shape = (g: Graph): unknown => fuse(g).nodes.map((n) => [n.op, n.attrs, n.inputs.map((id) => id !== null)]);
    const before = quantizeWeights(fuse(sample()));
    expect(shape(quantizeWeights(sample()))).toEqual(shape(before));
    const plain = fuse(sample()).nodes;
    expect(before.nodes.map((n) => n.op)).toEqual(plain.map((n) => n.op));
  });

  it('is idempotent and leaves its argument alone', () => {
    const graph = sample();
    const copy = structuredClone(graph);
    const once = quantizeWeights(graph);
    expect(graph).toEqual(copy);
    expect(quantizeWeights(once)).toEqual(once);
    expect(withWeights(graph)).toBe(graph);
    expect(withWeights(graph, 'q8')).toEqual(once);
  });

  it('leaves layers below the bounds, and weights that something else reads as well', () => {
    const some = quantizeWeights(sample(), { channels: 1, weights: 3000 });
    expect(
      weights(some)
        .filter((t) => t.dtype === 'i8')
        .map((t) => t.name),
    ).toEqual(['second']);
    const g = new GraphBuilder('shared', { dtype: 'f32' });
    const w = g.linearWeight(32, [32], ['w']);
    g.output('y', g.add(g.linear(g.input('x', [32, 32]), w, null, 32), w));
    const shared = g.build();
    expect(quantizeWeights(shared)).toEqual(shared);
  });

  it('compiles to the 8-bit variants, and whole weights never do', () => {
    const variants = (format: 'full' | 'q8', caps: DeviceCaps): string[] =>
      compileGraph(sample(), caps, { weights: format })
        .nodes.filter(({ node }) => node.op === 'linear' || node.op === 'conv2d')
        .map(({ variant }) => variant);
    expect(variants('q8', CAPS).filter((name) => name.startsWith('q8'))).toEqual(['q8-f16', 'q8-f16']);
    expect(variants('full', CAPS).some((name) => name.startsWith('q8'))).toBe(false);
    const cpu = { ...CAPS, software: true, subgroups: true, subgroupSize: 8, subgroupMaxSize: 8 };
    expect(variants('q8', cpu).filter((name) => name === 'q8-cpu')).toHaveLength(2);
    // A variant forced for all ops by name gives way where it cannot read the weights.
    const forced = compileGraph(sample(), CAPS, { weights: 'q8', variants: 'portable' });
    expect(forced.nodes.map((n) => n.variant)).toContain('q8-f16');
  });

  it('counts parameters as before and bytes as they are', () => {
    const [full, q8] = [weightSize([sample()]), weightSize([quantizeWeights(sample())])];
    expect(q8.parameters).toBe(full.parameters);
    const second = 9 * 32 * 32;
    const linear = 32 * 64;
    expect(full.bytes - q8.bytes).toBe(second + linear - 4 * (32 + 64));
    const { weightBytes } = compileGraph(sample(), CAPS, { weights: 'q8' });
    expect(weightBytes).toBe(q8.bytes);
    expect(distinctWeights([sample(), quantizeWeights(sample())])).toHaveLength(5 + 4);
  });
});

import { GraphBuilder, type T } from '../../../src/ts/graph/builder.js';
import { type CompiledNode, type CompileOptions, compileGraph } from '../../../src/ts/graph/compile.js';
import type { ActivationDType } from '../../../src/ts/graph/types.js';
import type { DeviceCaps, MatrixConfig } from '../../../src/ts/ops/types.js';

/** A shape of f16 operands and f32 sums, as an adapter reports it. */
export const matrixShape = (M: number, N: number, K: number): MatrixConfig => ({
  ...{ M, N, K, componentType: 'f16', resultComponentType: 'f32' },
});

/** A GPU with matrix units, as far as compiling cares. */
export const gpuCaps = (matrixConfigs: readonly MatrixConfig[], subgroupSize = 32): DeviceCaps => ({
  subgroupSize,
  subgroups: true,
  subgroupMaxSize: subgroupSize,
  matrixConfigs,
  f16: true,
  software: false,
  maxBindingBytes: 2 ** 31 - 4,
  maxWorkgroupBytes: 49152,
  maxInvocations: 1024,
});

/** The one node of a graph that `build` makes of one operation. */
export function compileNode(
  build: (g: GraphBuilder) => T,
  caps: DeviceCaps,
  options: CompileOptions = {},
  dtype: ActivationDType = 'f16',
): CompiledNode {
  const g = new GraphBuilder('test', { dtype });
  g.output('y', build(g));
  const { nodes } = compileGraph(g.build(), caps, options);
  if (nodes.length !== 1) throw new Error(`${nodes.length} nodes instead of one`);
  return nodes[0]!;
}

/** x[1, rows, k] · w → [1, rows, n]. */
export const linearOf =
  (rows: number, k: number, n: number) =>
  (g: GraphBuilder): T =>
    g.linear(g.input('x', [1, rows, k]), g.linearWeight(k, [n], ['w']), null, n);

/** A convolution of one square image. */
export const convOf =
  (side: number, channels: number, outChannels: number, kernel = 3, stride = 1) =>
  (g: GraphBuilder): T =>
    g.conv2d(g.input('x', [1, side, side, channels]), g.convWeight(channels, outChannels, kernel, 'w'), null, {
      ...{ outChannels, kernel, stride, pad: kernel >> 1 },
    });

/** A batch of products of two activations. */
export const matmulOf =
  (m: number, k: number, n: number, o: { transposeA?: boolean; transposeB?: boolean } = {}) =>
  (g: GraphBuilder): T => {
    const a = g.input('a', [4, ...(o.transposeA ? [k, m] : [m, k])]);
    return g.matmul(a, g.input('b', [4, ...(o.transposeB ? [n, k] : [k, n])]), o);
  };

import { describe, expect, it } from 'vitest';
import { GraphBuilder, type T } from '../../src/ts/graph/builder.js';
import { fuse } from '../../src/ts/graph/fuse.js';

const C = 8;

function graphOf(body: (g: GraphBuilder, x: T) => T, hooks = false) {
  const g = new GraphBuilder('test', { dtype: 'f32', hooks });
  const x = g.input('x', [2, 4, 4, C]);
  g.output('out', body(g, x));
  return fuse(g.build());
}
const ops = (graph: ReturnType<typeof graphOf>) => graph.nodes.map((n) => n.op);
const conv = (g: GraphBuilder, x: T, name: string): T =>
  g.conv2d(x, g.convWeight(C, C, 3, `${name}.weight`), g.vectorWeight([C], [`${name}.bias`]), {
    outChannels: C,
    kernel: 3,
    pad: 1,
  });
const norm = (g: GraphBuilder, x: T, name: string): T =>
  g.groupNorm(x, g.vectorWeight([C], [`${name}.weight`]), g.vectorWeight([C], [`${name}.bias`]), 4, 1e-5);

describe('fuse', () => {
  it('makes a resnet four kernels: norm, conv, norm, conv', () => {
    const graph = graphOf((g, x) => {
      const temb = g.input('temb', [2, 2 * C]);
      const h = conv(g, g.activation(norm(g, x, 'norm1'), 'silu'), 'conv1');
      const h2 = g.activation(g.scaleShift(norm(g, h, 'norm2'), temb), 'silu');
      return g.add(x, conv(g, h2, 'conv2'));
    });
    expect(ops(graph)).toEqual(['groupNorm', 'conv2d', 'groupNorm', 'conv2d']);
    expect(graph.nodes[0]!.attrs.act).toBe('silu');
    expect(graph.nodes[2]!.inputs[3]).toBe(graph.inputs.temb);
    expect(graph.nodes[3]!.inputs[4]).toBe(graph.inputs.x);
  });

  it('adds a time embedding inside the conv', () => {
    const graph = graphOf((g, x) => g.add(conv(g, x, 'conv1'), g.input('temb', [2, C])));
    expect(ops(graph)).toEqual(['conv2d']);
    expect(graph.nodes[0]!.inputs[3]).toBe(graph.inputs.temb);
  });

  it('reads a small picture enlarged, as input and as residual', () => {
    const graph = graphOf((g, x) => {
      const h = conv(g, g.upsampleNearest2x(g.activation(norm(g, x, 'n'), 'silu')), 'conv1');
      return g.add(g.upsampleNearest2x(x), conv(g, h, 'conv2'));
    });
    expect(ops(graph)).toEqual(['groupNorm', 'conv2d', 'conv2d']);
    expect(graph.nodes[1]!.attrs.upsample).toBe(2);
    expect(graph.nodes[2]!.attrs.residualUpsample).toBe(true);
  });

  it('leaves a tensor alone that two operations read', () => {
    const graph = graphOf((g, x) => {
      const h = conv(g, x, 'conv1');
      return g.add(g.activation(h, 'silu'), h);
    });
    expect(ops(graph)).toEqual(['conv2d', 'activation', 'add']);
  });

  it('never binds one tensor twice: x + conv(x) stays two kernels', () => {
    expect(ops(graphOf((g, x) => g.add(x, conv(g, x, 'conv1'))))).toEqual(['conv2d', 'add']);
  });

  it('keeps a hooked tensor visible', () => {
    const body = (g: GraphBuilder, x: T) => g.activation(g.mark('norm', norm(g, x, 'n')), 'silu');
    expect(ops(graphOf(body))).toEqual(['groupNorm']);
    const hooked = graphOf(body, true);
    expect(ops(hooked)).toEqual(['groupNorm', 'activation']);
    expect(Object.keys(hooked.outputs)).toContain('hook.norm');
  });

  it('applies the activation before the residual sum, never after', () => {
    const graph = graphOf((g, x) => g.activation(g.add(g.input('r', [2, 4, 4, C]), conv(g, x, 'c')), 'silu'));
    expect(ops(graph)).toEqual(['conv2d', 'activation']);
  });
});

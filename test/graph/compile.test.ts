import { beforeAll, describe, expect, it } from 'vitest';
import { GraphBuilder } from '../../src/ts/graph/builder.js';
import { type CompiledGraph, compileGraph } from '../../src/ts/graph/compile.js';
import type { Graph } from '../../src/ts/graph/types.js';
import { UnclipError } from '../../src/ts/util/errors.js';
import { karlo } from '../models/karlo-graphs.js';
import { GPU } from '../support/gpu-caps.js';

describe('full-size Karlo, compiled without a GPU', () => {
  let compiled: Record<string, CompiledGraph>;
  beforeAll(() => {
    compiled = Object.fromEntries(Object.entries(karlo('f16')).map(([name, g]) => [name, compileGraph(g, GPU)]));
  });

  it('plans every arena within 1.10 of the lower bound', () => {
    for (const [name, { plan }] of Object.entries(compiled))
      expect(plan.arenaBytes, name).toBeLessThanOrEqual(1.1 * plan.lowerBoundBytes);
  });

  it('keeps the number of dispatches per step: fusion must not rot', () => {
    const dispatches = Object.fromEntries(Object.entries(compiled).map(([name, c]) => [name, c.dispatches]));
    expect(dispatches).toMatchInlineSnapshot(`
      {
        "decoderPrelude": 22,
        "decoderStep": 368,
        "priorPrelude": 161,
        "priorStep": 174,
        "superResStep": 360,
        "text": 100,
        "textProj": 12,
      }
    `);
  });

  it('leaves no activation, residual sum or enlargement of the UNets to a kernel of its own', () => {
    for (const name of ['decoderStep', 'superResStep']) {
      const ops = compiled[name]!.nodes.map((n) => n.node.op);
      expect(ops).not.toContain('scaleShift');
      expect(ops).not.toContain('upsampleNearest2x');
      expect(ops.filter((op) => op === 'add').length, name).toBeLessThanOrEqual(2);
    }
  });

  it('keeps the largest tensor of f32 super resolution visible to adapters with small bindings', () => {
    const small = { ...GPU, maxBindingBytes: 128 * 2 ** 20 };
    let error: unknown;
    try {
      compileGraph(karlo('f32').superResStep!, small);
    } catch (e) {
      error = e;
    }
    expect(error).toBeInstanceOf(UnclipError);
    expect((error as UnclipError).code).toBe('GPU_LIMIT_EXCEEDED');
    expect((error as UnclipError).message).toContain('134217728');
  });
});

describe('compileGraph', () => {
  const build = (body: (g: GraphBuilder) => void): Graph => {
    const g = new GraphBuilder('test', { dtype: 'f32' });
    body(g);
    return g.build();
  };

  it('copies a tensor that one kernel would bind twice', () => {
    const { nodes } = compileGraph(
      build((g) => {
        const x = g.input('x', [1, 4, 8]);
        g.output('y', g.add(x, x));
      }),
      GPU,
    );
    expect(nodes.map((n) => n.node.op)).toEqual(['repeatBatch', 'add']);
    const bound = nodes[1]!.kernels[0]!.bindings.map((b) => b.tensor);
    expect(new Set(bound).size).toBe(bound.length);
  });

  it('never binds one tensor twice in a kernel of any network', () => {
    for (const graph of Object.values(karlo('f32'))) {
      const { nodes, tensors } = compileGraph(graph, GPU);
      for (const { kernels, node } of nodes)
        for (const { bindings } of kernels) {
          const roots = bindings
            .filter((b) => b.tensor !== null && tensors[b.tensor]!.kind !== 'weight')
            .map((b) => tensors[b.tensor!]!.aliasOf ?? b.tensor);
          expect(new Set(roots).size, node.label).toBe(roots.length);
        }
    }
  });

  it('refuses a forced variant that cannot run', () => {
    const graph = build((g) => {
      const x = g.input('x', [1, 4, 8]);
      g.output('y', g.linear(x, g.linearWeight(8, [8], ['w']), null, 8));
    });
    expect(() => compileGraph(graph, { ...GPU, subgroupSize: 0 }, { variants: { linear: 'cpu' } })).toThrow(
      "variant 'cpu'",
    );
  });
});

import { describe, expect, it } from 'vitest';
import { GraphBuilder } from '../../src/ts/graph/builder.js';
import { compileGraph } from '../../src/ts/graph/compile.js';
import type { Graph } from '../../src/ts/graph/types.js';
import { loadUnclipModel } from '../../src/ts/models/model-index.js';
import { graphRuns } from '../../src/ts/pipelines/graph-runs.js';
import { bucket, shapeClass } from '../../src/ts/tune/shape-class.js';
import { tuningTasks } from '../../src/ts/tune/tune-graphs.js';
import { GPU } from '../support/gpu-caps.js';

const classesOf = (graph: Graph): string[] =>
  compileGraph(graph, GPU).nodes.map(({ record, call }) => shapeClass(record.name, call));

const linear = (shape: number[], n: number, o: { bias?: boolean; dtype?: 'f32' | 'f16' } = {}): string => {
  const g = new GraphBuilder('test', { dtype: o.dtype ?? 'f32' });
  const k = shape.at(-1)!;
  const bias = o.bias ? g.vectorWeight([n], ['b']) : null;
  g.output('y', g.linear(g.input('x', shape), g.linearWeight(k, [n], ['w']), bias, n));
  return classesOf(g.build())[0]!;
};

describe('shape class', () => {
  it('is the same at every batch, for every op of a model', () => {
    const model = loadUnclipModel('models/bundled');
    const steps = {
      priorSteps: 2,
      decoderSteps: 2,
      superResSteps: 2,
      priorGuidanceScale: 4,
      decoderGuidanceScale: 4,
    };
    for (const dtype of ['f32', 'f16'] as const) {
      const at = (batch: number) =>
        graphRuns(model, { batch, guided: true, dtype }, steps).map(({ graph }) => classesOf(graph));
      expect(at(3)).toEqual(at(1));
      const tasks = (batch: number) =>
        tuningTasks(graphRuns(model, { batch, guided: true, dtype }, steps), GPU).map((t) => [
          t.shape,
          t.choices,
          t.runs,
        ]);
      expect(tasks(5)).toEqual(tasks(1));
    }
  });

  it('counts channels exactly and positions roughly', () => {
    expect(linear([1, 81, 64], 32)).toBe(linear([7, 96, 64], 32));
    expect(linear([1, 81, 64], 32)).not.toBe(linear([1, 97, 64], 32));
    expect(linear([1, 81, 64], 32)).not.toBe(linear([1, 81, 65], 32));
    expect(linear([1, 81, 64], 32)).not.toBe(linear([1, 81, 64], 33));
    expect(linear([2, 64], 32)).toBe(linear([9, 64], 32));
    expect([1, 7, 16, 17, 24, 25, 33, 48, 49, 64, 65, 96, 97, 1000].map(bucket)).toEqual([
      1, 7, 16, 24, 24, 32, 48, 48, 64, 64, 96, 96, 128, 1024,
    ]);
  });

  it('tells operands, dtypes and attributes apart', () => {
    const all = [
      linear([1, 81, 64], 32),
      linear([1, 81, 64], 32, { bias: true }),
      linear([1, 81, 64], 32, { dtype: 'f16' }),
    ];
    expect(new Set(all).size).toBe(3);
    expect(all[1]).toBe('linear f32 f32[~96,64] w:f32[64,32] w:f32[32] - {act:none,outFeatures:32}');
  });
});

import { describe, expect, it } from 'vitest';
import { GraphBuilder } from '../../src/ts/graph/builder.js';
import { DTYPES } from '../support/dtypes.js';
import { runOp } from '../support/op-harness.js';
import { randomStored } from '../support/rounding.js';
import { size } from '../support/shapes.js';
import { expectWithin } from '../support/within.js';

/** The first place of the largest, by definition. */
function places(x: Float32Array, columns: number): number[] {
  return Array.from({ length: x.length / columns }, (_, row) => {
    const values = x.subarray(row * columns, (row + 1) * columns);
    return values.indexOf(Math.max(...values));
  });
}

describe.each(DTYPES)('in %s', (dtype) => {
  it.each([[[2, 3, 5, 17]], [[1, 7, 64]], [[3, 200]], [[1, 2, 2, 8192]], [[5, 1]]])(
    'argmax over rows of %s',
    async (shape) => {
      // f16 has so few numbers that some rows hold their largest twice.
      const x = randomStored(size(shape), shape.length, dtype);
      const { words } = await runOp({ dtype, inputs: { x }, build: (g) => g.argmax(g.input('x', shape)) });
      expect([...words]).toEqual(places(x, shape.at(-1)!));
    },
  );

  it('argmax takes the first of equals, wherever they lie', async () => {
    const columns = 300;
    const rows = [[0, 299], [63, 64], [65, 129], [128, 64], [1, 65], [299, 298], [7]];
    const x = new Float32Array(rows.length * columns).fill(-2);
    for (const [row, at] of rows.entries()) for (const c of at) x[row * columns + c] = -1;
    const { words } = await runOp({
      dtype,
      inputs: { x },
      build: (g) => g.argmax(g.input('x', [rows.length, columns])),
    });
    expect([...words]).toEqual(rows.map((at) => Math.min(...at)));
  });

  it('argmax of rows of −∞ alone, and of equals alone, is 0', async () => {
    const x = new Float32Array(2 * 100).fill(Number.NEGATIVE_INFINITY, 0, 100);
    const { words } = await runOp({ dtype, inputs: { x }, build: (g) => g.argmax(g.input('x', [2, 100])) });
    expect([...words]).toEqual([0, 0]);
  });

  it.each([
    [[2, 3, 5, 6], 0.1],
    [[1, 4, 4, 3], 0],
    [[1, 7, 3, 4], 0.25],
  ] as const)('colours from logits %s, eps %d', async (shape, eps) => {
    const channels = shape[3];
    const x = randomStored(size(shape), 5, dtype).map((v) => 4 * v);
    const { output } = await runOp({ dtype, inputs: { x }, build: (g) => g.logitPixels(g.input('x', shape), eps) });
    const expected = Float64Array.from({ length: (size(shape) / channels) * 3 }, (_, i) => {
      const sigmoid = 1 / (1 + Math.exp(-x[Math.floor(i / 3) * channels + (i % 3)]!));
      return 2 * Math.min(Math.max((sigmoid - eps) / (1 - 2 * eps), 0), 1) - 1;
    });
    expectWithin('logitPixels', dtype, output, expected);
  });
});

it.each([
  ['argmax', (g: GraphBuilder) => g.argmax(g.input('x', [4]))],
  ['logitPixels', (g: GraphBuilder) => g.logitPixels(g.input('x', [1, 2, 2, 2]), 0.1)],
  ['logitPixels', (g: GraphBuilder) => g.logitPixels(g.input('x', [1, 2, 2, 3]), 0.5)],
  ['maxPool2x', (g: GraphBuilder) => g.maxPool2x(g.input('x', [1, 1, 4, 3]))],
  ['add', (g: GraphBuilder) => g.addScaled(g.input('x', [4]), g.input('y', [4]), Number.NaN)],
])('%s refuses what does not fit', (op, build) => {
  expect(() => build(new GraphBuilder('t', { dtype: 'f32' }))).toThrow(
    expect.objectContaining({ code: 'GRAPH_INVALID', message: expect.stringContaining(op) }),
  );
});

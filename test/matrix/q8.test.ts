import { describe, expect, test } from 'vitest';
import type { GraphBuilder, T } from '../../src/ts/graph/builder.js';
import { addon } from '../../src/ts/native/addon.js';
import { conv2d } from '../../src/ts/ops/conv/conv2d.js';
import { linear } from '../../src/ts/ops/matmul/linear.js';
import { errors, randomArray, runOp } from '../support/op-harness.js';
import { quantize } from '../support/quantized.js';
import { randomStored, stored } from '../support/rounding.js';
import { describeMatrix, SMALL_TUNINGS, type SmallTuning, tuningOf } from './support/adapter.js';
import { compileNode, gpuCaps, linearOf, matrixShape } from './support/calls.js';

const TUNINGS = Object.keys(SMALL_TUNINGS) as SmallTuning[];

const forced = (op: string, tuning: SmallTuning) => ({
  ...{ dtype: 'f16' as const, quantized: true, variants: { [op]: 'q8-matrix' }, tunings: { [op]: tuningOf(tuning) } },
});

/** Weights whose columns differ in size by up to 10³: a column with another one's scale is far off. */
const weightsOf = (outputs: number, inner: number, seed: number): Float32Array =>
  stored(
    randomArray(outputs * inner, seed).map((v, i) => (v / Math.sqrt(inner)) * 10 ** (Math.floor(i / inner) % 4)),
    'f16',
  );

/** Error of each column against fp64 on what the int8 weights stand for, the largest. */
function worstColumn(output: Float32Array, expected: Float64Array, columns: number): number {
  const column = (values: ArrayLike<number>, c: number): number[] =>
    Array.from({ length: values.length / columns }, (_, m) => values[m * columns + c]!);
  return Math.max(...Array.from({ length: columns }, (_, c) => errors(column(output, c), column(expected, c)).relL2));
}

async function linearError(m: number, k: number, n: number, tuning: SmallTuning): Promise<number> {
  const x = randomStored(m * k, 1, 'f16');
  const w = weightsOf(n, k, 2);
  const bias = randomArray(n, 3);
  const residual = randomStored(m * n, 4, 'f16');
  const { output, ran } = await runOp({
    build: (g) => {
      const y = g.linear(g.input('x', [1, m, k]), g.linearWeight(k, [n], ['w']), g.vectorWeight([n], ['bias']), n);
      return g.add(g.activation(y, 'silu'), g.input('residual', [1, m, n]));
    },
    inputs: { x, residual },
    weights: { w, bias },
    ...forced('linear', tuning),
  });
  expect(ran).toEqual(['linear:q8-matrix']);
  const sums = addon().silu(addon().linear(x, quantize(w, n).restored, bias, { m, n, k }));
  return worstColumn(
    output,
    sums.map((v, i) => v + residual[i]!),
    n,
  );
}

async function convError(
  side: number,
  channels: number,
  o: number,
  kernel: number,
  tuning: SmallTuning,
): Promise<number> {
  const x = randomStored(side * side * channels, 1, 'f16');
  const w = weightsOf(o, channels * kernel * kernel, 2);
  const bias = randomArray(o, 3);
  const pad = kernel >> 1;
  const build = (g: GraphBuilder): T => {
    const options = { outChannels: o, kernel, pad };
    const weight = g.convWeight(channels, o, kernel, 'w');
    return g.conv2d(g.input('x', [1, side, side, channels]), weight, g.vectorWeight([o], ['bias']), options);
  };
  const { output, ran } = await runOp({ build, inputs: { x }, weights: { w, bias }, ...forced('conv2d', tuning) });
  expect(ran).toEqual(['conv2d:q8-matrix']);
  const expected = addon().conv2d(x, quantize(w, o).restored, bias, {
    ...{ batch: 1, height: side, width: side, inChannels: channels, outChannels: o },
    ...{ kernelHeight: kernel, kernelWidth: kernel, stride: 1, pad, upsample: 1 },
  });
  return worstColumn(output, expected, o);
}

describeMatrix('int8 weights on matrix units', () => {
  test.each(TUNINGS)('linear, %s', async (tuning) => {
    // Columns a multiple of 8, of 4 and of nothing; K likewise.
    for (const [m, k, n] of [
      [33, 72, 40],
      [19, 37, 12],
      [41, 50, 19],
    ] as const)
      expect(await linearError(m, k, n, tuning), `${m} ${k} ${n}`).toBeLessThan(linear.tolerance.f16.relL2);
  });

  test.each(TUNINGS)('conv2d, %s', async (tuning) => {
    for (const [side, channels, o, kernel] of [
      [7, 16, 24, 3],
      [6, 5, 19, 3],
      [6, 24, 12, 1],
    ] as const)
      expect(await convError(side, channels, o, kernel, tuning), `${channels} ${o} ${kernel}`).toBeLessThan(
        conv2d.tolerance.f16.relL2,
      );
  });

  test('every int8 is widened exactly', async () => {
    // Column n's largest weight is 127, so that its scale is 1; an identity shows every weight as it is.
    const [k, n] = [16, 16];
    const w = new Float32Array(n * k).map((_, i) => (i % k === 0 ? 127 : ((i * 37) % 255) - 127));
    const x = new Float32Array(k * k).map((_, i) => (i % (k + 1) === 0 ? 1 : 0));
    const { output } = await runOp({
      build: (g) => g.linear(g.input('x', [1, k, k]), g.linearWeight(k, [n], ['w']), null, n),
      inputs: { x },
      weights: { w },
      ...forced('linear', TUNINGS[0]!),
    });
    const values = new Set(w);
    expect(values.size).toBeGreaterThan(200);
    expect(output).toEqual(w.map((_, i) => w[(i % n) * k + Math.floor(i / n)]!));
  });
});

describe('the choice of kernels for int8 weights', () => {
  const caps = gpuCaps([matrixShape(16, 16, 16)]);
  const variant = (rows: number, dtype: 'f16' | 'f32', adapter = caps): string =>
    compileNode(linearOf(rows, 1280, 1280), adapter, { weights: 'q8' }, dtype).variant;

  test('matrix units in f16, tiles elsewhere', () => {
    expect(variant(4096, 'f16')).toBe('q8-matrix');
    expect(variant(4096, 'f32')).toBe('q8');
    expect(variant(4096, 'f16', { ...caps, matrixConfigs: [] })).toBe('q8-f16');
    expect(variant(2, 'f16')).toBe('q8-subgroup');
  });
});

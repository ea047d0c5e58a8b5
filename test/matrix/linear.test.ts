import { expect, test } from 'vitest';
import type { GraphBuilder, T } from '../../src/ts/graph/builder.js';
import { addon } from '../../src/ts/native/addon.js';
import { ACTIVATIONS, type Activation } from '../../src/ts/ops/activations.js';
import { linear } from '../../src/ts/ops/matmul/linear.js';
import { matrixTunings } from '../../src/ts/ops/matmul/matrix-tile.js';
import type { DeviceCaps, Tuning } from '../../src/ts/ops/types.js';
import { errors, randomArray, runOp } from '../support/op-harness.js';
import { randomStored, stored } from '../support/rounding.js';
import { size } from '../support/shapes.js';
import { caps, describeMatrix, SMALL_TUNINGS, type SmallTuning, tuningOf } from './support/adapter.js';

interface Case {
  readonly x: readonly number[];
  readonly n: number;
  readonly bias?: boolean;
  readonly act?: Activation;
  readonly residual?: boolean;
}

const FIRST: SmallTuning = 'one matrix a subgroup';

/** Batch × rows × K → N: K and N multiples of 8, of 4 and of nothing; edges of every tile; many tiles. */
const CASES: readonly Case[] = [
  { x: [1, 8, 8], n: 8 },
  { x: [2, 16, 64], n: 32, bias: true, act: 'silu' },
  { x: [1, 33, 24], n: 40, residual: true },
  { x: [1, 77, 136], n: 72, bias: true, act: 'gelu', residual: true },
  { x: [1, 70, 96], n: 12, bias: true, residual: true },
  { x: [1, 19, 32], n: 4, act: 'silu', residual: true },
  { x: [2, 9, 16], n: 7, bias: true, residual: true },
  { x: [1, 40, 5], n: 16, bias: true, act: 'silu', residual: true },
  { x: [1, 9, 257], n: 64, bias: true },
  { x: [2, 81, 13], n: 21, bias: true, act: 'quickGelu', residual: true },
  { x: [2, 6, 5, 24], n: 48, bias: true, residual: true },
  { x: [1, 300, 16], n: 152 },
];

function build(g: GraphBuilder, c: Case): T {
  const k = c.x.at(-1)!;
  const bias = c.bias ? g.vectorWeight([c.n], ['bias']) : null;
  let y = g.linear(g.input('x', c.x), g.linearWeight(k, [c.n], ['w']), bias, c.n);
  if (c.act !== undefined && c.act !== 'none') y = g.activation(y, c.act);
  return c.residual ? g.add(y, g.input('residual', y.shape)) : y;
}

const forced = (tuning: SmallTuning | Tuning) => ({
  dtype: 'f16' as const,
  variants: { linear: 'matrix' },
  tunings: { linear: typeof tuning === 'string' ? tuningOf(tuning) : tuning },
});

async function expectRight(
  c: Case,
  tuning: SmallTuning | Tuning,
  seed = 1,
  pretend?: Partial<DeviceCaps>,
): Promise<void> {
  const k = c.x.at(-1)!;
  const m = size(c.x) / k;
  const x = randomStored(m * k, seed, 'f16');
  const w = stored(
    randomArray(c.n * k, seed + 1).map((v) => v / Math.sqrt(k)),
    'f16',
  );
  const bias = randomArray(c.n, seed + 2);
  const residual = randomStored(m * c.n, seed + 3, 'f16');
  const { output, ran } = await runOp({
    build: (g) => build(g, c),
    inputs: c.residual ? { x, residual } : { x },
    weights: c.bias ? { w, bias } : { w },
    ...forced(tuning),
    caps: pretend,
  });
  expect(ran).toEqual(['linear:matrix']);
  let expected = addon().linear(x, w, c.bias ? bias : null, { m, n: c.n, k });
  if (c.act !== undefined && c.act !== 'none') expected = addon()[c.act](expected);
  if (c.residual) expected = expected.map((v, i) => v + residual[i]!);
  const { relL2, maxAbs } = errors(output, expected);
  const label = `${JSON.stringify(tuning)}: ${JSON.stringify(c)}`;
  expect(relL2, label).toBeLessThan(linear.tolerance.f16.relL2);
  expect(maxAbs, label).toBeLessThan(linear.tolerance.f16.maxAbs);
}

describeMatrix('linear on matrix units', () => {
  test.each(CASES.map((c) => [JSON.stringify(c), c] as const))('%s', (_, c) => expectRight(c, FIRST));

  test.each(Object.keys(SMALL_TUNINGS) as SmallTuning[])('%s', async (tuning) => {
    await expectRight({ x: [1, 83, 88], n: 104, bias: true, act: 'silu', residual: true }, tuning);
    await expectRight({ x: [1, 41, 37], n: 19, bias: true, residual: true }, tuning);
  });

  // Minutes each for a CPU driver to compile, hence one unless all are asked for.
  const tiles = matrixTunings({ rows: 64, columns: 64, depth: 64 }, { ...caps, software: false });
  const compiled = process.env.UNCLIP_TEST_ALL_TILES === '1' ? tiles : tiles.filter((t) => t.BK === 16 && t.BM === 64);
  test.each(compiled.map((t) => [`${t.BM}×${t.BN}×${t.BK}, ${t.WM}×${t.WN} a subgroup`, t] as const))(
    'the tile of a GPU: %s',
    { timeout: 1_200_000 },
    (_, tuning) => expectRight({ x: [1, 260, 72], n: 136, bias: true }, tuning),
  );

  test('subgroups smaller than the largest: those to spare only copy', async () => {
    const pretend = { subgroupSize: 0, subgroupMaxSize: 2 * caps.subgroupMaxSize };
    await expectRight({ x: [1, 83, 88], n: 104, bias: true, residual: true }, FIRST, 1, pretend);
    await expectRight({ x: [1, 41, 37], n: 19, bias: true, residual: true }, 'four strips', 1, pretend);
  });

  test('every epilogue', async () => {
    for (const act of Object.keys(ACTIVATIONS) as Activation[])
      for (const bias of [false, true])
        for (const residual of [false, true])
          for (const n of [24, 22]) await expectRight({ x: [1, 37, 16], n, act, bias, residual }, FIRST);
  });

  test('random shapes', async () => {
    const draws = randomArray(48, 11).map((v) => Math.abs(v) / 1.7321);
    for (let i = 0; i < 16; i++) {
      const pick = (j: number, max: number): number => 1 + Math.floor(draws[i * 3 + j]! * max * 0.999);
      const c = { x: [1, 7 + pick(0, 90), pick(1, 70)], n: pick(2, 70), bias: i % 2 === 0, residual: i % 3 === 0 };
      await expectRight(c, FIRST, i);
    }
  });

  test('sums are f32: f16 sums of large terms that cancel would be lost', async () => {
    const [k, n] = [64, 16];
    const column = (first: number, lower: number, upper: number) => (_: number, i: number) =>
      i % k === 0 ? first : i % k < k / 2 ? lower : i % k === k / 2 ? 0 : upper;
    const x = new Float32Array(8 * k).map(column(0.125, 100, -100));
    const w = new Float32Array(n * k).map(column(1, 8, 8));
    const { output } = await runOp({
      build: (g) => build(g, { x: [1, 8, k], n }),
      inputs: { x },
      weights: { w },
      ...forced(FIRST),
    });
    expect(output).toEqual(new Float32Array(8 * n).fill(0.125));
  });

  test('a batch gives the bits of its images alone, whatever its neighbours hold', async () => {
    const [rows, k, n] = [37, 24, 40];
    const x = randomArray(3 * rows * k, 5).fill(Number.NaN, 0, rows * k);
    const weights = { w: randomArray(n * k, 6), bias: randomArray(n, 7) };
    const go = async (batch: number, values: Float32Array) =>
      (
        await runOp({
          build: (g) => build(g, { x: [batch, rows, k], n, bias: true, act: 'gelu' }),
          inputs: { x: values },
          weights,
          ...forced(FIRST),
        })
      ).output;
    const all = await go(3, x);
    for (let b = 1; b < 3; b++) {
      const alone = await go(1, x.slice(b * rows * k, (b + 1) * rows * k));
      expect(alone.every(Number.isFinite)).toBe(true);
      expect(all.slice(b * rows * n, (b + 1) * rows * n)).toEqual(alone);
    }
  });

  test('every tile gives the same bits', async () => {
    const x = randomArray(50 * 72, 3);
    const weights = { w: randomArray(40 * 72, 4) };
    const results = [];
    for (const tuning of Object.keys(SMALL_TUNINGS) as SmallTuning[]) {
      const run = { build: (g: GraphBuilder) => build(g, { x: [1, 50, 72], n: 40 }), inputs: { x }, weights };
      // Slices of K are sums of their own.
      if (tuning !== 'three slices') results.push((await runOp({ ...run, ...forced(tuning) })).output);
    }
    for (const result of results) expect(result).toEqual(results[0]);
  });

  test.each([
    [9, 7],
    [33, 40],
    [17, 18],
  ])('neighbours in the arena stay as they are: %i rows, %i columns', async (rows, n) => {
    const guard = randomStored(64, 9, 'f16');
    const { output } = await runOp({
      build: (g) => {
        const around = g.input('guard', [1, 64]);
        const before = g.clamp(around, -100, 100);
        const y = g.linear(g.input('x', [1, rows, 8]), g.linearWeight(8, [n], ['w']), null, n);
        const after = g.clamp(around, -50, 50);
        return g.concat([before, g.reshape(y, [1, rows * n]), after], 1);
      },
      inputs: { guard, x: randomArray(rows * 8, 1) },
      weights: { w: randomArray(n * 8, 2) },
      ...forced(FIRST),
    });
    expect(output.slice(0, 64)).toEqual(guard);
    expect(output.slice(64 + rows * n)).toEqual(guard);
    expect(output.every(Number.isFinite)).toBe(true);
  });
});

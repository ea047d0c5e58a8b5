import { describe, expect, test } from 'vitest';
import type { GraphBuilder, T } from '../../src/ts/graph/builder.js';
import { addon } from '../../src/ts/native/addon.js';
import { ACTIVATIONS, type Activation } from '../../src/ts/ops/activations.js';
import { linear } from '../../src/ts/ops/matmul/linear.js';
import type { Tuning } from '../../src/ts/ops/types.js';
import { DTYPES } from '../support/dtypes.js';
import { errors, randomArray, runOp, testRuntime } from '../support/op-harness.js';
import { quantize } from '../support/quantized.js';
import { randomStored, stored } from '../support/rounding.js';
import { size } from '../support/shapes.js';
import { someTiles } from '../support/tiles.js';
import { tuningsOf } from '../support/variants.js';

type Shape = readonly number[];

interface Case {
  readonly x: Shape;
  readonly n: number;
  readonly bias?: boolean;
  readonly act?: Activation;
  readonly residual?: boolean;
}

/** Batch × rows × K → N. Edges of every tile: one row, one column, K that is no multiple of 4 or 16, N that is none of 4. */
const CASES: readonly Case[] = [
  { x: [1, 1, 1], n: 1 },
  { x: [1, 1, 7], n: 3, bias: true },
  { x: [2, 5, 16], n: 32, bias: true, act: 'silu' },
  { x: [1, 33, 20], n: 36, residual: true },
  { x: [1, 77, 130], n: 65, bias: true, act: 'gelu', residual: true },
  { x: [3, 64], n: 160, bias: true, act: 'quickGelu' },
  { x: [1, 70, 96], n: 12, bias: true, residual: true },
  { x: [1, 19, 33], n: 8, act: 'silu', residual: true },
  { x: [2, 8], n: 7 },
  { x: [2, 65, 32], n: 128, act: 'gelu' },
  { x: [1, 40, 5], n: 6, bias: true, act: 'silu', residual: true },
  { x: [2, 81, 128], n: 20, bias: true },
  { x: [1, 9, 257], n: 64, bias: true },
  { x: [2, 6, 5, 24], n: 48, bias: true, residual: true },
];

/** Whether a variant reads weights in 8 bits: the reference then starts from what those stand for. */
const isQuantized = (variant: string): boolean => linear.variants.find((v) => v.name === variant)?.weights === 'q8';

/**
 * Every so many cases of a variant are tried: few of those whose tiles are the ones of `portable` and `f16`, since a CPU driver
 * compiles each for seconds.
 */
const every = (variant: string): number => (variant === 'q8' || variant === 'q8-f16' ? 4 : 1);

function build(g: GraphBuilder, c: Case): T {
  const k = c.x.at(-1)!;
  const bias = c.bias ? g.vectorWeight([c.n], ['bias']) : null;
  let y = g.linear(g.input('x', c.x), g.linearWeight(k, [c.n], ['w']), bias, c.n);
  if (c.act !== undefined && c.act !== 'none') y = g.activation(y, c.act);
  return c.residual ? g.add(y, g.input('residual', y.shape)) : y;
}

const { caps } = (await testRuntime()).device;

/** What a variant may be tuned to for a case; undefined where it does not run it. */
const tunings = (variant: string, c: Case, dtype: 'f32' | 'f16'): readonly Tuning[] | undefined =>
  tuningsOf(linear, variant, { build: (g) => build(g, c), dtype }, caps);

const runs = (variant: string, c: Case, dtype: 'f32' | 'f16'): boolean => tunings(variant, c, dtype) !== undefined;

/** f32, or f16 for what runs only that. */
const dtypeOf = (variant: string): 'f32' | 'f16' => (variant.endsWith('f16') ? 'f16' : 'f32');

/** Rows of an image that every variant runs, and that most tiles do not divide. */
const rowsOf = (variant: string): number => (variant.endsWith('subgroup') ? 13 : 37);

/** Those that run on this adapter; the kernels for matrix units have tests of their own. */
const VARIANTS = linear.variants
  .map((v) => v.name)
  .filter((name) => !name.endsWith('matrix') && CASES.some((c) => runs(name, c, dtypeOf(name))));

async function run(c: Case, dtype: 'f32' | 'f16', variant: string, seed = 1, tuning?: Tuning) {
  const k = c.x.at(-1)!;
  const m = size(c.x) / k;
  const x = randomStored(m * k, seed, dtype);
  const w = stored(
    randomArray(c.n * k, seed + 1).map((v) => v / Math.sqrt(k)),
    dtype,
  );
  const bias = randomArray(c.n, seed + 2);
  const residual = randomStored(m * c.n, seed + 3, dtype);
  const { output, ran } = await runOp({
    build: (g) => build(g, c),
    inputs: c.residual ? { x, residual } : { x },
    weights: c.bias ? { w, bias } : { w },
    dtype,
    variants: { linear: variant },
    ...(tuning && { tunings: { linear: tuning } }),
    quantized: isQuantized(variant),
  });
  expect(ran).toEqual([`linear:${variant}`]);
  let expected = addon().linear(x, isQuantized(variant) ? quantize(w, c.n).restored : w, c.bias ? bias : null, {
    m,
    n: c.n,
    k,
  });
  if (c.act !== undefined && c.act !== 'none') expected = addon()[c.act](expected);
  if (c.residual) expected = expected.map((v, i) => v + residual[i]!);
  return { output, error: errors(output, expected) };
}

describe.each(VARIANTS)('linear, %s', (variant) => {
  for (const dtype of DTYPES) {
    const running = CASES.filter((c, i) => i % every(variant) === 0 && runs(variant, c, dtype));
    const cases = running.map((c) => [JSON.stringify(c), c] as const);
    test.each(cases)(`%s, ${dtype}`, async (_, c) => {
      const { error } = await run(c, dtype, variant);
      expect(error.relL2).toBeLessThan(linear.tolerance[dtype].relL2);
      expect(error.maxAbs).toBeLessThan(linear.tolerance[dtype].maxAbs);
    });
  }

  test('every epilogue', async () => {
    for (const act of Object.keys(ACTIVATIONS) as Activation[]) {
      for (const bias of [false, true]) {
        for (const residual of [false, true]) {
          const dtype = dtypeOf(variant);
          const { error } = await run({ x: [1, rowsOf(variant), 12], n: 24, act, bias, residual }, dtype, variant);
          expect(error.relL2, `${act} ${bias} ${residual}`).toBeLessThan(linear.tolerance[dtype].relL2);
        }
      }
    }
  });

  test('random shapes', async () => {
    const draws = randomArray(40, 11).map((v) => Math.abs(v));
    for (let i = 0; i < 12; i += every(variant)) {
      const pick = (j: number, max: number): number => 1 + Math.floor((draws[i * 3 + j]! / 1.7321) * max * 0.999);
      const rows = Math.min(pick(0, 90), variant.endsWith('subgroup') ? 16 : 90);
      const c = { x: [1, rows, pick(1, 70)], n: pick(2, 70), bias: i % 2 === 0 };
      const dtype = dtypeOf(variant);
      const { error } = await run(c, dtype, variant, i);
      expect(error.relL2, JSON.stringify(c)).toBeLessThan(linear.tolerance[dtype].relL2);
    }
  });

  test('a batch gives the bits of its images alone', async () => {
    const [rows, k, n] = [rowsOf(variant), 24, 40];
    const x = randomArray(3 * rows * k, 5);
    const weights = { w: randomArray(n * k, 6), bias: randomArray(n, 7) };
    const go = async (batch: number, values: Float32Array) =>
      (
        await runOp({
          build: (g) => build(g, { x: [batch, rows, k], n, bias: true, act: 'gelu' }),
          inputs: { x: values },
          weights,
          dtype: dtypeOf(variant),
          variants: { linear: variant },
          quantized: isQuantized(variant),
        })
      ).output;
    const all = await go(3, x);
    for (let b = 0; b < 3; b++) {
      const alone = await go(1, x.slice(b * rows * k, (b + 1) * rows * k));
      expect(all.slice(b * rows * n, (b + 1) * rows * n)).toEqual(alone);
    }
  });

  test('neighbours in the arena stay as they are', async () => {
    for (const [rows, n] of [
      [5, 7],
      [rowsOf(variant), 36],
      [9, 18],
    ] as const) {
      const guard = stored(randomArray(64, 9), dtypeOf(variant));
      const { output } = await runOp({
        build: (g) => {
          const around = g.input('guard', [1, 64]);
          const before = g.clamp(around, -100, 100);
          const y = g.linear(g.input('x', [1, rows, 6]), g.linearWeight(6, [n], ['w']), null, n);
          const after = g.clamp(around, -50, 50);
          return g.concat([before, g.reshape(y, [1, rows * n]), after], 1);
        },
        inputs: { guard, x: randomArray(rows * 6, 1) },
        weights: { w: randomArray(n * 6, 2) },
        dtype: dtypeOf(variant),
        variants: { linear: variant },
        quantized: isQuantized(variant),
      });
      expect(output.slice(0, 64)).toEqual(guard);
      expect(output.slice(64 + rows * n)).toEqual(guard);
      expect(output.every(Number.isFinite)).toBe(true);
    }
  });

  // Tails in every direction, read as vectors and one by one.
  const tuned: readonly Case[] = [
    { x: [2, 77, 45], n: 70, bias: true, act: 'silu', residual: true },
    { x: [1, 150, 36], n: 132, bias: true },
    { x: [2, 11, 45], n: 70, bias: true, act: 'silu', residual: true },
    { x: [3, 2, 300], n: 24, residual: true },
  ];
  for (const [turn, c] of tuned.filter((c) => runs(variant, c, dtypeOf(variant))).entries()) {
    const dtype = dtypeOf(variant);
    const fitting = tunings(variant, c, dtype)!.filter((_, i) => i % every(variant) === 0);
    const tried = someTiles(fitting, turn);
    let first: Float32Array | undefined;
    test.each(tried.map((t) => [JSON.stringify(t), t] as const))(
      `tuned %s: ${JSON.stringify(c)}`,
      async (_, tuning) => {
        const { output, error } = await run(c, dtype, variant, 1, tuning);
        expect(error.relL2).toBeLessThan(linear.tolerance[dtype].relL2);
        // Tiles add up in the same order, whatever their size.
        first ??= output;
        if (!variant.endsWith('subgroup')) expect(output).toEqual(first);
      },
    );
  }
});

test('linear refuses operands that do not fit', () => {
  const t = (shape: number[]) => ({ id: 0, name: 't', shape, dtype: 'f32' as const, kind: 'temporary' as const });
  const attrs = { act: 'none', outFeatures: 6 };
  expect(linear.infer([t([2, 3, 5]), t([5, 8]), t([8]), null], attrs)).toEqual([[2, 3, 6]]);
  expect(() => linear.infer([t([2, 5]), t([4, 8]), null, null], attrs)).toThrow(/^linear: /);
  expect(() => linear.infer([t([2, 5]), t([5, 6]), null, null], attrs)).toThrow(/^linear: /);
  expect(() => linear.infer([t([2, 5]), t([5, 8]), t([6]), null], attrs)).toThrow(/^linear: /);
  expect(() => linear.infer([t([2, 5]), t([5, 8]), null, t([2, 8])], attrs)).toThrow(/^linear: /);
  expect(() => linear.infer([null, t([5, 8]), null, null], attrs)).toThrow(/^linear: /);
});

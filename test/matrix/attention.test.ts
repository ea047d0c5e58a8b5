import { expect, test } from 'vitest';
import { attention } from '../../src/ts/ops/attention/attention.js';
import type { DeviceCaps } from '../../src/ts/ops/types.js';
import { type AttentionCase, attentionReference, runAttention, runBetweenGuards } from '../support/attention.js';
import { errors, testRuntime } from '../support/op-harness.js';
import { describeMatrix, MATRIX } from './support/adapter.js';

const { M, N, K } = MATRIX;

/**
 * Tiles of few matrices, made of the adapter's own: a CPU driver compiles the large tiles of a GPU for minutes. One row and two
 * of matrices, one subgroup and two, blocks of one and of several matrices.
 */
const TUNINGS = {
  small: { SUBGROUPS: 2, ROWS: M, KEYS: 2 * Math.max(N, K) },
  large: { SUBGROUPS: 1, ROWS: 2 * M, KEYS: 4 * Math.max(N, K) },
} as const;

const tuningOf = (name: keyof typeof TUNINGS) => ({ ...TUNINGS[name], MAT_M: M, MAT_N: N, MAT_K: K });

const CASES: Record<string, AttentionCase> = {
  'one query, one key': { batch: 1, queries: 1, keys: 1, heads: 1, head: 32 },
  'one query': { batch: 2, queries: 1, keys: 130, heads: 2, head: 32 },
  'one key': { batch: 1, queries: 70, keys: 1, heads: 2, head: 32 },
  'context and mask': { batch: 2, queries: 77, keys: 77, heads: 2, head: 32, context: 5, mask: 11 },
  causal: { batch: 2, queries: 77, keys: 77, heads: 2, head: 32, causal: true },
  'causal with context and mask': {
    batch: 2,
    queries: 40,
    keys: 40,
    heads: 1,
    head: 32,
    causal: true,
    context: 7,
    mask: 20,
  },
  'causal, fewer queries than keys': { batch: 1, queries: 9, keys: 50, heads: 1, head: 32, causal: true },
  'causal, more queries than keys': { batch: 1, queries: 50, keys: 5, heads: 1, head: 32, causal: true },
  'every key masked': { batch: 2, queries: 33, keys: 40, heads: 2, head: 32, mask: 40, allMasked: true },
  'every key masked but one': { batch: 1, queries: 40, keys: 70, heads: 2, head: 32, mask: 70, onlyKey: 66 },
  'peaked scores': { batch: 1, queries: 64, keys: 200, heads: 2, head: 32, gain: 30 },
  'scores in the thousands': { batch: 1, queries: 20, keys: 90, heads: 1, head: 32, gain: 1000 },
  'the largest score moves on': { batch: 1, queries: 40, keys: 200, heads: 1, head: 32, rising: 20 },
  'the largest score grows slowly': { batch: 1, queries: 40, keys: 200, heads: 1, head: 32, rising: 3 },
  'long rows': { batch: 1, queries: 16, keys: 2048, heads: 1, head: 32, context: 81, mask: 81 },
  'head size 8': { batch: 1, queries: 37, keys: 45, heads: 3, head: 8, context: 5, mask: 11, rising: 20 },
  'head size 20': { batch: 2, queries: 37, keys: 45, heads: 3, head: 20, context: 5, mask: 11, rising: 20 },
  'head size 40': { batch: 1, queries: 37, keys: 45, heads: 3, head: 40, context: 5, mask: 11 },
  'head size 64': { batch: 1, queries: 37, keys: 45, heads: 2, head: 64, context: 5, mask: 11, rising: 20 },
};

/** Mean over the keys of image 0 of one column of the values. */
function meanValue(c: AttentionCase, kv: Float32Array, column: number): number {
  const width = c.heads * c.head;
  let sum = 0;
  for (let k = 0; k < c.keys; k++) sum += kv[k * 2 * width + width + column]!;
  return sum / c.keys;
}

async function check(c: AttentionCase, tuning: keyof typeof TUNINGS, caps?: Partial<DeviceCaps>): Promise<void> {
  const { result, operands } = await runAttention(c, 'f16', 'matrix', tuningOf(tuning), caps);
  expect(result.ran).toEqual(['attention:matrix']);
  const e = errors(result.output, attentionReference(c, operands));
  // Errors of scores, in f32, grow with the scores; those of probabilities, in f16, do not.
  const slack = Math.max(1, (c.gain ?? 1) / 30);
  expect(e.relL2).toBeLessThan(attention.tolerance.f16.relL2 * slack);
  expect(e.maxAbs).toBeLessThan(attention.tolerance.f16.maxAbs * slack * (c.rising ?? 1));
}

describeMatrix('attention, matrix', () => {
  for (const [name, c] of Object.entries(CASES)) test(name, () => check(c, 'small'));
  for (const name of ['head size 8', 'head size 20']) test(`${name}, large tile`, () => check(CASES[name]!, 'large'));

  test('several invocations a row; more and smaller subgroups than planned', async () => {
    const { subgroupMaxSize } = (await testRuntime()).device.caps;
    const caps = { subgroupMaxSize: 2 * Math.max(subgroupMaxSize, M) };
    await check(CASES['causal with context and mask']!, 'small', caps);
    await check(CASES['the largest score moves on']!, 'small', caps);
  });

  test('an image does not depend on the batch', async () => {
    const c: AttentionCase = { batch: 3, queries: 50, keys: 60, heads: 2, head: 32 };
    const image = c.queries * c.heads * c.head;
    const { result } = await runAttention(c, 'f16', 'matrix', tuningOf('small'));
    const { result: alone } = await runAttention({ ...c, batch: 1 }, 'f16', 'matrix', tuningOf('small'));
    expect(result.output.slice(0, image)).toEqual(alone.output);
  });

  test('neighbours in the arena stay as they are', async () => {
    const { guard, before, result, after } = await runBetweenGuards('f16', 'matrix', tuningOf('small'));
    expect(before).toEqual(guard);
    expect(after).toEqual(guard);
    expect(result.every(Number.isFinite)).toBe(true);
  });

  test('every key masked by −∞ gives the mean of the values', async () => {
    const c: AttentionCase = { ...CASES['every key masked']!, maskValue: Number.NEGATIVE_INFINITY };
    const { result, operands } = await runAttention(c, 'f16', 'matrix', tuningOf('small'));
    expect(result.output.every(Number.isFinite)).toBe(true);
    const image = c.queries * c.heads * c.head;
    const mean = Array.from({ length: image }, (_, i) => meanValue(c, operands.kv, i % (c.heads * c.head)));
    expect(errors(result.output.slice(0, image), mean).relL2).toBeLessThan(attention.tolerance.f16.relL2);
  });
});

import { describe, expect, test } from 'vitest';
import { attention } from '../../src/ts/ops/attention/attention.js';
import {
  type AttentionCase,
  attentionReference,
  type DType,
  runAttention,
  runBetweenGuards,
} from '../support/attention.js';
import { errors, runOp, testRuntime } from '../support/op-harness.js';

const HEAD_SIZES = [4, 8, 16, 20, 32, 40, 64, 80, 104, 128];

// Head sizes repeat where they can: each (head size, context, storage) is a kernel to compile.
const CASES: Record<string, AttentionCase> = {
  ...Object.fromEntries(
    HEAD_SIZES.map((head) => [
      `head size ${head}`,
      { batch: 2, queries: 37, keys: 45, heads: 3, head, context: 5, mask: 11 },
    ]),
  ),
  'one query, one key': { batch: 1, queries: 1, keys: 1, heads: 1, head: 32 },
  'one query': { batch: 2, queries: 1, keys: 300, heads: 2, head: 32 },
  'one key': { batch: 1, queries: 70, keys: 1, heads: 2, head: 32 },
  'context only just longer than a tile': { batch: 1, queries: 9, keys: 2, heads: 1, head: 32, context: 33, mask: 33 },
  causal: { batch: 2, queries: 77, keys: 77, heads: 2, head: 32, causal: true },
  'causal with mask': { batch: 1, queries: 70, keys: 70, heads: 4, head: 32, causal: true, mask: 70 },
  'causal with context': { batch: 2, queries: 40, keys: 40, heads: 1, head: 32, causal: true, context: 7, mask: 20 },
  'causal, fewer queries than keys': { batch: 1, queries: 9, keys: 50, heads: 1, head: 32, causal: true },
  'causal, more queries than keys': { batch: 1, queries: 50, keys: 5, heads: 1, head: 32, causal: true },
  'every key masked': { batch: 2, queries: 33, keys: 40, heads: 2, head: 32, mask: 40, allMasked: true },
  'peaked scores': { batch: 1, queries: 64, keys: 200, heads: 2, head: 32, gain: 30 },
  'every key masked but one': { batch: 1, queries: 40, keys: 70, heads: 2, head: 32, mask: 70, onlyKey: 66 },
  'the largest score moves on': { batch: 1, queries: 40, keys: 200, heads: 1, head: 32, rising: 20 },
  'long rows': { batch: 1, queries: 16, keys: 4096, heads: 1, head: 32, context: 81, mask: 81 },
  'odd head size': { batch: 2, queries: 19, keys: 23, heads: 3, head: 7, context: 3, mask: 26 },
  'head size 1': { batch: 1, queries: 10, keys: 12, heads: 2, head: 1 },
};

/** Head sizes that are tried in f16 too. */
const F16_HEADS = [20, 32];

/** Head sizes of which the register tiles, dear to compile on a CPU driver, are spared. */
const SPARED = [8, 16, 104];

const supports = (variant: string, head: number): boolean =>
  variant === 'portable' || (head % 4 === 0 && !(TILED.includes(variant) && SPARED.includes(head)));

const { caps } = (await testRuntime()).device;

const dtypesOf = (variant: string, head: number): readonly DType[] =>
  variant === 'f16' ? ['f16'] : caps.f16 && F16_HEADS.includes(head) ? ['f32', 'f16'] : ['f32'];

/** `matrix` runs where an adapter has matrix units: test/matrix. */
const VARIANTS = attention.variants.map((v) => v.name).filter((v) => v !== 'matrix' && (caps.f16 || v !== 'f16'));
const TILED = ['subgroup', 'f16', 'portable'].filter((v) => VARIANTS.includes(v));

describe.each(VARIANTS)('attention, %s', (variant) => {
  const plain = dtypesOf(variant, 64)[0]!;
  for (const [name, c] of Object.entries(CASES).filter(([, x]) => supports(variant, x.head)))
    for (const dtype of dtypesOf(variant, c.head))
      test(`${name}, ${dtype}`, async () => {
        const { result, operands: o } = await runAttention(c, dtype, variant);
        expect(result.ran).toEqual([`attention:${variant}`]);
        const e = errors(result.output, attentionReference(c, o));
        const bound = attention.tolerance[dtype];
        // Errors of scores grow with the scores: a peaked softmax, or a score of −10000 in f32, has fewer good digits.
        const slack = c.allMasked ? 100 : (c.gain ?? c.rising ?? 1);
        expect(e.relL2).toBeLessThan(bound.relL2 * slack);
        expect(e.maxAbs).toBeLessThan(bound.maxAbs * slack);
      });

  test('masks of −∞ on every key give a number', async () => {
    const c: AttentionCase = {
      batch: 1,
      queries: 9,
      keys: 40,
      heads: 1,
      head: 32,
      mask: 40,
      allMasked: true,
      maskValue: -Infinity,
    };
    const { result } = await runAttention(c, plain, variant);
    expect(result.output.every(Number.isFinite)).toBe(true);
  });

  test('an image does not depend on the batch', async () => {
    const c: AttentionCase = { batch: 3, queries: 50, keys: 60, heads: 2, head: 32, context: 9, mask: 9 };
    const width = c.heads * c.head;
    const { result, operands: o } = await runAttention(c, plain, variant);
    const alone = await runOp({
      build: (g) =>
        g.attention(g.input('q', [1, c.queries, width]), g.input('kv', [1, c.keys, 2 * width]), {
          heads: c.heads,
          scale: 1 / Math.sqrt(c.head),
          context: g.input('context', [1, c.context!, 2 * width]),
          mask: g.input('mask', [1, c.mask!], 'f32'),
        }),
      inputs: {
        q: o.q.slice(2 * c.queries * width),
        kv: o.kv.slice(4 * c.keys * width),
        context: o.context!.slice(4 * c.context! * width),
        mask: o.mask!.slice(2 * c.mask!),
      },
      dtype: plain,
      variants: { attention: variant },
    });
    expect(result.output.slice(2 * c.queries * width)).toEqual(alone.output);
  });

  test('neighbours in the arena stay as they are', async () => {
    const { guard, before, result, after } = await runBetweenGuards(plain, variant);
    expect(before).toEqual(guard);
    expect(after).toEqual(guard);
    expect(result.every(Number.isFinite)).toBe(true);
  });
});

describe.each(TILED)('attention, other tiles of %s', (variant) => {
  test.each([
    { queries: 64, keys: 32, rows: 8 },
    { queries: 32, keys: 64, rows: 4 },
    { queries: 8, keys: 32, rows: 1 },
  ])('%o', async (tuning) => {
    const c: AttentionCase = {
      batch: 1,
      queries: 70,
      keys: 90,
      heads: 2,
      head: 32,
      context: 9,
      mask: 40,
      causal: true,
    };
    const dtype = dtypesOf(variant, 64)[0]!;
    const { result, operands: o } = await runAttention(c, dtype, variant, tuning);
    const e = errors(result.output, attentionReference(c, o));
    expect(e.relL2).toBeLessThan(attention.tolerance[dtype].relL2);
    expect(e.maxAbs).toBeLessThan(attention.tolerance[dtype].maxAbs);
  });
});

test('attention, subgroup, on an adapter whose subgroups have no fixed size', async () => {
  const c: AttentionCase = { batch: 1, queries: 40, keys: 90, heads: 2, head: 32, context: 9, mask: 40 };
  const { result, operands: o } = await runAttention(c, 'f32', 'subgroup', undefined, { subgroupSize: 0 });
  expect(errors(result.output, attentionReference(c, o)).relL2).toBeLessThan(attention.tolerance.f32.relL2);
});

describe('attention, operands that do not fit', () => {
  const t = (shape: number[], dtype: 'f32' | 'f16' = 'f32') => ({
    id: 0,
    name: 't',
    shape,
    dtype,
    kind: 'temporary' as const,
  });
  const attrs = { heads: 2, scale: 1, causal: false };
  test.each([
    ['heads', [t([1, 4, 15]), t([1, 4, 30]), null, null]],
    ['keys and values', [t([1, 4, 16]), t([1, 4, 16]), null, null]],
    ['batch', [t([2, 4, 16]), t([1, 4, 32]), null, null]],
    ['context', [t([1, 4, 16]), t([1, 4, 32]), t([1, 4, 16]), null]],
    ['mask longer than keys', [t([1, 4, 16]), t([1, 4, 32]), null, t([1, 5])]],
    ['mask of f16', [t([1, 4, 16], 'f16'), t([1, 4, 32], 'f16'), null, t([1, 4], 'f16')]],
    ['mixed storage', [t([1, 4, 16]), t([1, 4, 32], 'f16'), null, null]],
  ])('%s', (_, inputs) => {
    expect(() => attention.infer(inputs, attrs)).toThrow(/^attention: /);
  });
});

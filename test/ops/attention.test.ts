import { describe, expect, test } from 'vitest';
import { addon } from '../../src/ts/native/addon.js';
import { attention } from '../../src/ts/ops/attention/attention.js';
import type { Tuning } from '../../src/ts/ops/types.js';

import { errors, randomArray, runOp } from '../support/op-harness.js';
import { stored as storedAs } from '../support/rounding.js';

interface Case {
  batch: number;
  queries: number;
  keys: number;
  heads: number;
  head: number;
  context?: number;
  /** Length of the mask; 0 for none. */
  mask?: number;
  causal?: boolean;
  /** Value of masked places. */
  maskValue?: number;
  /** Every key of image 0 is masked. */
  allMasked?: boolean;
  /** Factor of q, for peaked softmax. */
  gain?: number;
}

type DType = 'f32' | 'f16';

function operands(c: Case, dtype: DType) {
  const width = c.heads * c.head;
  const stored = (a: Float32Array) => storedAs(a, dtype);
  const q = stored(randomArray(c.batch * c.queries * width, 1).map((v) => v * (c.gain ?? 1)));
  const kv = stored(randomArray(c.batch * c.keys * 2 * width, 2));
  const context = c.context ? stored(randomArray(c.batch * c.context * 2 * width, 3)) : undefined;
  const pick = randomArray(c.batch * (c.mask ?? 0), 4);
  const mask = c.mask
    ? pick.map((v, i) => (v > 0 || (c.allMasked && i < c.mask!) ? (c.maskValue ?? -10000) : 0))
    : undefined;
  return { q, kv, context, mask };
}

/** Queries one at a time, since the addon's causal order knows no context. */
function reference(c: Case, o: ReturnType<typeof operands>): Float64Array {
  const width = c.heads * c.head;
  const ahead = c.context ?? 0;
  const out = new Float64Array(c.batch * c.queries * width);
  for (let b = 0; b < c.batch; b++) {
    const rows: Float32Array[] = [];
    for (let i = 0; i < ahead; i++)
      rows.push(o.context!.subarray((b * ahead + i) * 2 * width, (b * ahead + i + 1) * 2 * width));
    for (let i = 0; i < c.keys; i++)
      rows.push(o.kv.subarray((b * c.keys + i) * 2 * width, (b * c.keys + i + 1) * 2 * width));
    const k = new Float32Array(rows.length * width);
    const v = new Float32Array(rows.length * width);
    rows.forEach((r, i) => {
      k.set(r.subarray(0, width), i * width);
      v.set(r.subarray(width), i * width);
    });
    const mask = new Float32Array(rows.length);
    if (o.mask) mask.set(o.mask.subarray(b * c.mask!, (b + 1) * c.mask!));
    const run = (first: number, queries: number, keys: number) =>
      out.set(
        addon().attention(
          o.q.subarray((b * c.queries + first) * width, (b * c.queries + first + queries) * width),
          k.subarray(0, keys * width),
          v.subarray(0, keys * width),
          mask.subarray(0, keys),
          { batch: 1, queries, keys, heads: c.heads, headDim: c.head, scale: 1 / Math.sqrt(c.head), causal: false },
        ),
        (b * c.queries + first) * width,
      );
    if (c.causal) for (let i = 0; i < c.queries; i++) run(i, 1, ahead + Math.min(c.keys, i + 1));
    else run(0, c.queries, rows.length);
  }
  return out;
}

async function run(c: Case, dtype: DType, variant: string, tuning?: Tuning) {
  const o = operands(c, dtype);
  const width = c.heads * c.head;
  const inputs: Record<string, Float32Array> = { q: o.q, kv: o.kv };
  if (o.context) inputs.context = o.context;
  if (o.mask) inputs.mask = o.mask;
  const result = await runOp({
    build: (g) =>
      g.attention(g.input('q', [c.batch, c.queries, width]), g.input('kv', [c.batch, c.keys, 2 * width]), {
        heads: c.heads,
        scale: 1 / Math.sqrt(c.head),
        causal: c.causal ?? false,
        context: o.context ? g.input('context', [c.batch, c.context!, 2 * width]) : null,
        mask: o.mask ? g.input('mask', [c.batch, c.mask!], 'f32') : null,
      }),
    inputs,
    dtype,
    variants: { attention: variant },
    ...(tuning && { tunings: { attention: tuning } }),
  });
  return { result, operands: o };
}

const HEAD_SIZES = [4, 8, 16, 20, 32, 40, 64, 80, 104, 128];

// Head sizes repeat where they can: each (head size, context, storage) is a kernel to compile.
const CASES: Record<string, Case> = {
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
  'long rows': { batch: 1, queries: 16, keys: 4096, heads: 1, head: 32, context: 81, mask: 81 },
  'odd head size': { batch: 2, queries: 19, keys: 23, heads: 3, head: 7, context: 3, mask: 26 },
  'head size 1': { batch: 1, queries: 10, keys: 12, heads: 2, head: 1 },
};

/** Head sizes that are tried in f16 too. */
const F16_HEADS = [20, 32];

const supports = (variant: string, head: number): boolean => variant === 'portable' || head % 4 === 0;

const dtypesOf = (variant: string, head: number): readonly DType[] =>
  variant === 'f16' ? ['f16'] : F16_HEADS.includes(head) ? ['f32', 'f16'] : ['f32'];

/** `matrix` runs where an adapter has matrix units: test/matrix. */
const VARIANTS = attention.variants.map((v) => v.name).filter((name) => name !== 'matrix');

describe.each(VARIANTS)('attention, %s', (variant) => {
  const plain = dtypesOf(variant, 64)[0]!;
  for (const [name, c] of Object.entries(CASES).filter(([, x]) => supports(variant, x.head)))
    for (const dtype of dtypesOf(variant, c.head))
      test(`${name}, ${dtype}`, async () => {
        const { result, operands: o } = await run(c, dtype, variant);
        expect(result.ran).toEqual([`attention:${variant}`]);
        const e = errors(result.output, reference(c, o));
        const bound = attention.tolerance[dtype];
        // Errors of scores grow with the scores: a peaked softmax, or a score of −10000 in f32, has fewer good digits.
        const slack = c.allMasked ? 100 : (c.gain ?? 1);
        expect(e.relL2).toBeLessThan(bound.relL2 * slack);
        expect(e.maxAbs).toBeLessThan(bound.maxAbs * slack);
      });

  test('masks of −∞ on every key give a number', async () => {
    const c: Case = {
      batch: 1,
      queries: 9,
      keys: 40,
      heads: 1,
      head: 32,
      mask: 40,
      allMasked: true,
      maskValue: -Infinity,
    };
    const { result } = await run(c, plain, variant);
    expect(result.output.every(Number.isFinite)).toBe(true);
  });

  test('an image does not depend on the batch', async () => {
    const c: Case = { batch: 3, queries: 50, keys: 60, heads: 2, head: 32, context: 9, mask: 9 };
    const width = c.heads * c.head;
    const { result, operands: o } = await run(c, plain, variant);
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
    const [queries, keys, width] = [21, 19, 3 * 20];
    const guard = storedAs(randomArray(64, 9), plain);
    const inputs = { q: randomArray(queries * width, 1), kv: randomArray(keys * 2 * width, 2), guard };
    const { output } = await runOp({
      build: (g) => {
        const x = g.input('guard', [1, 64]);
        const before = g.clamp(x, -100, 100);
        const y = g.attention(g.input('q', [1, queries, width]), g.input('kv', [1, keys, 2 * width]), {
          heads: 3,
          scale: 0.2,
        });
        const after = g.clamp(x, -50, 50);
        return g.concat([before, g.reshape(y, [1, queries * width]), after], 1);
      },
      inputs,
      dtype: plain,
      variants: { attention: variant },
    });
    expect(output.slice(0, 64)).toEqual(guard);
    expect(output.slice(64 + queries * width)).toEqual(guard);
    expect(output.every(Number.isFinite)).toBe(true);
  });
});

describe.each(['subgroup', 'f16'])('attention, other tiles of %s', (variant) => {
  test.each([
    { queries: 64, keys: 64, rows: 8 },
    { queries: 64, keys: 32, rows: 4 },
    { queries: 8, keys: 32, rows: 1 },
  ])('%o', async (tuning) => {
    const c: Case = { batch: 1, queries: 70, keys: 90, heads: 2, head: 32, context: 9, mask: 40, causal: true };
    const { result, operands: o } = await run(c, 'f16', variant, tuning);
    const e = errors(result.output, reference(c, o));
    expect(e.relL2).toBeLessThan(attention.tolerance.f16.relL2);
    expect(e.maxAbs).toBeLessThan(attention.tolerance.f16.maxAbs);
  });
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

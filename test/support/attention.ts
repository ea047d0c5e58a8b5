import { addon } from '../../src/ts/native/addon.js';
import type { DeviceCaps, Tuning } from '../../src/ts/ops/types.js';
import { randomArray, runOp } from './op-harness.js';
import { stored as storedAs } from './rounding.js';

/** One call of attention on random operands, in words that test titles use. */
export interface AttentionCase {
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
  /** Keys grow along the sequence, the last this many times the first: the largest score moves on and on. */
  rising?: number;
  /** Every key is masked but this one. */
  onlyKey?: number;
}

export type DType = 'f32' | 'f16';

/** Random operands of unit variance, rounded as stored. */
export function operands(c: AttentionCase, dtype: DType) {
  const width = c.heads * c.head;
  const stored = (a: Float32Array) => storedAs(a, dtype);
  const q = stored(randomArray(c.batch * c.queries * width, 1).map((v) => v * (c.gain ?? 1)));
  const growth = (i: number) => 1 + (((c.rising ?? 1) - 1) * (Math.floor(i / (2 * width)) % c.keys)) / c.keys;
  const kv = stored(randomArray(c.batch * c.keys * 2 * width, 2).map((v, i) => v * growth(i)));
  const context = c.context ? stored(randomArray(c.batch * c.context * 2 * width, 3)) : undefined;
  const pick = randomArray(c.batch * (c.mask ?? 0), 4);
  const masked = (v: number, i: number) =>
    c.onlyKey === undefined ? v > 0 || (c.allMasked && i < c.mask!) : i % c.mask! !== c.onlyKey;
  const mask = c.mask ? pick.map((v, i) => (masked(v, i) ? (c.maskValue ?? -10000) : 0)) : undefined;
  return { q, kv, context, mask };
}

/** fp64 results: queries one at a time where the order is causal, since the addon's causal order knows no context. */
export function attentionReference(c: AttentionCase, o: ReturnType<typeof operands>): Float64Array {
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

/** Runs a case with a variant, and with a tuning other than its heuristic's. */
export async function runAttention(
  c: AttentionCase,
  dtype: DType,
  variant: string,
  tuning?: Tuning,
  caps?: Partial<DeviceCaps>,
) {
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
    ...(caps && { caps }),
  });
  return { result, operands: o };
}

/** Attention whose result lies between two copies of `guard` in the arena: the guards as they are afterwards. */
export async function runBetweenGuards(dtype: DType, variant: string, tuning?: Tuning) {
  const [queries, keys, width] = [21, 19, 3 * 20];
  const guard = storedAs(randomArray(64, 9), dtype);
  const { output } = await runOp({
    build: (g) => {
      const x = g.input('guard', [1, 64]);
      const before = g.clamp(x, -100, 100);
      const q = g.input('q', [1, queries, width]);
      const y = g.attention(q, g.input('kv', [1, keys, 2 * width]), { heads: 3, scale: 0.2 });
      const after = g.clamp(x, -50, 50);
      return g.concat([before, g.reshape(y, [1, queries * width]), after], 1);
    },
    inputs: { q: randomArray(queries * width, 1), kv: randomArray(keys * 2 * width, 2), guard },
    dtype,
    variants: { attention: variant },
    ...(tuning && { tunings: { attention: tuning } }),
  });
  const end = 64 + queries * width;
  return { guard, before: output.slice(0, 64), result: output.slice(64, end), after: output.slice(end) };
}

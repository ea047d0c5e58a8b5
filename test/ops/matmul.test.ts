import { describe, expect, test } from 'vitest';
import { addon } from '../../src/ts/native/addon.js';
import { matmul } from '../../src/ts/ops/matmul/matmul.js';
import { DTYPES } from '../support/dtypes.js';
import { errors, randomArray, runOp, testRuntime } from '../support/op-harness.js';
import { randomStored } from '../support/rounding.js';
import { size } from '../support/shapes.js';

interface Case {
  /** Leading dimensions of a. */
  readonly batch: readonly number[];
  readonly m: number;
  readonly k: number;
  readonly n: number;
  readonly transposeA?: boolean;
  readonly transposeB?: boolean;
  readonly scale?: number;
  /** b is one matrix for all of a's. */
  readonly shared?: boolean;
}

const TRANSPOSES = [false, true].flatMap((transposeA) =>
  [false, true].map((transposeB) => ({ transposeA, transposeB })),
);

/** Edges of every tile: one row, one column, K no multiple of 4 or 16, N none of 4; each with every transposition. */
const SHAPES: readonly Case[] = [
  { batch: [1], m: 1, k: 1, n: 1 },
  { batch: [2], m: 1, k: 7, n: 3, scale: 0.5 },
  { batch: [2, 3], m: 5, k: 16, n: 32 },
  { batch: [3], m: 33, k: 20, n: 36, scale: -2 },
  { batch: [1], m: 77, k: 130, n: 65 },
  { batch: [2], m: 17, k: 64, n: 18, shared: true },
  { batch: [], m: 40, k: 33, n: 20 },
  { batch: [3], m: 12, k: 5, n: 6, shared: true },
];
const CASES: readonly Case[] = SHAPES.flatMap((shape) => TRANSPOSES.map((t) => ({ ...shape, ...t })));

const { software, subgroupSize } = (await testRuntime()).device.caps;

/** The kernels for matrix units have tests of their own. */
const VARIANTS = matmul.variants
  .map((v) => v.name)
  .filter((name) => name !== 'matrix' && (name !== 'cpu' || (software && subgroupSize > 0)));

/** A [rows, columns] matrix as [columns, rows]. */
function transposed(x: Float32Array, rows: number, columns: number): Float32Array {
  const out = new Float32Array(x.length);
  for (let r = 0; r < rows; r++) for (let c = 0; c < columns; c++) out[c * rows + r] = x[r * columns + c]!;
  return out;
}

function reference(c: Case, a: Float32Array, b: Float32Array): Float64Array {
  const { m, k, n } = c;
  const matrices = size(c.batch);
  const out = new Float64Array(matrices * m * n);
  for (let i = 0; i < matrices; i++) {
    const ai = a.subarray(i * m * k, (i + 1) * m * k);
    const bi = c.shared ? b : b.subarray(i * k * n, (i + 1) * k * n);
    const rows = c.transposeA ? transposed(ai, k, m) : ai;
    const columns = c.transposeB ? bi : transposed(bi, k, n);
    out.set(addon().linear(rows, columns, null, { m, n, k }), i * m * n);
  }
  return out.map((v) => v * (c.scale ?? 1));
}

async function product(c: Case, a: Float32Array, b: Float32Array, variant: string, dtype: 'f32' | 'f16' = 'f32') {
  const shapeA = [...c.batch, ...(c.transposeA ? [c.k, c.m] : [c.m, c.k])];
  const shapeB = [...(c.shared ? [1] : c.batch), ...(c.transposeB ? [c.n, c.k] : [c.k, c.n])];
  const { output, ran } = await runOp({
    build: (g) => g.matmul(g.input('a', shapeA), g.input('b', shapeB), c),
    inputs: { a, b },
    dtype,
    variants: { matmul: variant },
  });
  expect(ran).toEqual([`matmul:${variant}`]);
  return output;
}

async function run(c: Case, dtype: 'f32' | 'f16', variant: string, seed = 1) {
  const matrices = size(c.batch);
  const a = randomStored(matrices * c.m * c.k, seed, dtype);
  const b = randomStored((c.shared ? 1 : matrices) * c.k * c.n, seed + 1, dtype);
  // Sums of unit variance: products of K terms are scaled by 1/√K, a power of two as exact as the operands.
  const scale = (c.scale ?? 1) * 2 ** -Math.round(Math.log2(c.k) / 2);
  const output = await product({ ...c, scale }, a, b, variant, dtype);
  return errors(output, reference({ ...c, scale }, a, b));
}

describe.each(VARIANTS)('matmul, %s', (variant) => {
  for (const dtype of DTYPES) {
    // Every transposition is a kernel to compile: in f16 two of them will do.
    const cases = CASES.filter((c) => dtype === 'f32' || c.transposeA !== c.transposeB);
    test.each(cases.map((c) => [JSON.stringify(c), c] as const))(`%s, ${dtype}`, async (_, c) => {
      const e = await run(c, dtype, variant);
      expect(e.relL2).toBeLessThan(matmul.tolerance[dtype].relL2);
      expect(e.maxAbs).toBeLessThan(matmul.tolerance[dtype].maxAbs);
    });
  }

  test('random shapes', async () => {
    const draws = randomArray(40, 11).map((v) => Math.abs(v));
    for (let i = 0; i < 12; i++) {
      const pick = (j: number, max: number): number => 1 + Math.floor((draws[i * 3 + j]! / 1.7321) * max * 0.999);
      const c = { batch: [1 + (i % 2)], m: pick(0, 90), k: pick(1, 70), n: pick(2, 70), ...TRANSPOSES[i % 4] };
      expect((await run(c, 'f32', variant, i)).relL2, JSON.stringify(c)).toBeLessThan(matmul.tolerance.f32.relL2);
    }
  });

  test('a batch gives the bits of its matrices alone', async () => {
    const c: Case = { batch: [3], m: 37, k: 24, n: 40, transposeB: true };
    const [a, b] = [randomArray(3 * c.m * c.k, 5), randomArray(3 * c.k * c.n, 6)];
    const all = await product(c, a, b, variant);
    for (let i = 0; i < 3; i++) {
      const part = (x: Float32Array) => x.slice((i * x.length) / 3, ((i + 1) * x.length) / 3);
      expect(part(all)).toEqual(await product({ ...c, batch: [1] }, part(a), part(b), variant));
    }
  });

  test('a matrix times its own transpose', async () => {
    const x = randomArray(2 * 9 * 12, 7);
    const { output } = await runOp({
      build: (g) => {
        const t = g.input('x', [2, 9, 12]);
        return g.matmul(t, t, { transposeB: true });
      },
      inputs: { x },
      variants: { matmul: variant },
    });
    expect(errors(output, reference({ batch: [2], m: 9, k: 12, n: 9, transposeB: true }, x, x)).relL2).toBeLessThan(
      1e-5,
    );
  });

  test('neighbours in the arena stay as they are', async () => {
    for (const [m, n, transposeB] of [
      [5, 7, false],
      [33, 36, true],
      [9, 18, false],
    ] as const) {
      const guard = randomArray(64, 9);
      const { output } = await runOp({
        build: (g) => {
          const around = g.input('guard', [1, 64]);
          const before = g.clamp(around, -100, 100);
          const b = g.input('b', transposeB ? [1, n, 6] : [1, 6, n]);
          const y = g.matmul(g.input('a', [1, m, 6]), b, { transposeB });
          const after = g.clamp(around, -50, 50);
          return g.concat([before, g.reshape(y, [1, m * n]), after], 1);
        },
        inputs: { guard, a: randomArray(m * 6, 1), b: randomArray(6 * n, 2) },
        variants: { matmul: variant },
      });
      expect(output.slice(0, 64)).toEqual(guard);
      expect(output.slice(64 + m * n)).toEqual(guard);
      expect(output.every(Number.isFinite)).toBe(true);
    }
  });
});

test('matmul refuses operands that do not fit', () => {
  const t = (shape: number[], kind: 'temporary' | 'weight' = 'temporary') => ({
    ...{ id: 0, name: 't', shape, kind },
    dtype: 'f32' as const,
  });
  const plain = { transposeA: false, transposeB: false, scale: 1 };
  expect(matmul.infer([t([4, 2, 3, 5]), t([4, 2, 5, 6])], plain)).toEqual([[4, 2, 3, 6]]);
  expect(matmul.infer([t([4, 5, 3]), t([6, 5])], { ...plain, transposeA: true, transposeB: true })).toEqual([
    [4, 3, 6],
  ]);
  expect(() => matmul.infer([t([4, 3, 5]), t([4, 6, 5])], plain)).toThrow(/^matmul: the inner/);
  expect(() => matmul.infer([t([4, 3, 5]), t([2, 5, 6])], plain)).toThrow(/^matmul: b /);
  expect(() => matmul.infer([t([3]), t([3, 5])], plain)).toThrow(/^matmul: /);
  expect(() => matmul.infer([t([3, 5]), t([5, 8], 'weight')], plain)).toThrow(/use linear/);
  expect(() => matmul.infer([t([3, 5]), null], plain)).toThrow(/^matmul: /);
  expect(() => matmul.infer([t([3, 5]), t([5, 6])], { ...plain, scale: Number.NaN })).toThrow(/^matmul: /);
});

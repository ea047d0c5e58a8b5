import { expect, test } from 'vitest';
import { addon } from '../../src/ts/native/addon.js';
import { matmul } from '../../src/ts/ops/matmul/matmul.js';
import { errors, runOp } from '../support/op-harness.js';
import { randomStored } from '../support/rounding.js';
import { size } from '../support/shapes.js';
import { describeMatrix, SMALL_TUNINGS, type SmallTuning, tuningOf } from './support/adapter.js';

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

const FIRST: SmallTuning = 'one matrix a subgroup';

/** Extents that are multiples of 8 and that are not; edges of every tile. */
const SHAPES: readonly Case[] = [
  { batch: [1], m: 8, k: 8, n: 8 },
  { batch: [2, 3], m: 40, k: 72, n: 56, scale: 0.5 },
  { batch: [3], m: 33, k: 20, n: 36, scale: -2 },
  { batch: [2], m: 24, k: 64, n: 18, shared: true },
  { batch: [2], m: 17, k: 64, n: 24, shared: true },
  { batch: [], m: 41, k: 33, n: 21 },
];

const TRANSPOSES = [false, true].flatMap((transposeA) =>
  [false, true].map((transposeB) => ({ transposeA, transposeB })),
);

/** A [rows, columns] matrix as [columns, rows]. */
function transposed(x: Float32Array, rows: number, columns: number): Float32Array {
  const out = new Float32Array(x.length);
  for (let r = 0; r < rows; r++) for (let c = 0; c < columns; c++) out[c * rows + r] = x[r * columns + c]!;
  return out;
}

function reference(c: Case, a: Float32Array, b: Float32Array): Float64Array {
  const { m, k, n } = c;
  const out = new Float64Array(size(c.batch) * m * n);
  for (let i = 0; i < size(c.batch); i++) {
    const ai = a.subarray(i * m * k, (i + 1) * m * k);
    const bi = c.shared ? b : b.subarray(i * k * n, (i + 1) * k * n);
    const rows = c.transposeA ? transposed(ai, k, m) : ai;
    const columns = c.transposeB ? bi : transposed(bi, k, n);
    out.set(addon().linear(rows, columns, null, { m, n, k }), i * m * n);
  }
  return out.map((v) => v * (c.scale ?? 1));
}

async function product(c: Case, a: Float32Array, b: Float32Array, tuning: SmallTuning): Promise<Float32Array> {
  const shapeA = [...c.batch, ...(c.transposeA ? [c.k, c.m] : [c.m, c.k])];
  const shapeB = [...(c.shared ? [1] : c.batch), ...(c.transposeB ? [c.n, c.k] : [c.k, c.n])];
  const { output, ran } = await runOp({
    build: (g) => g.matmul(g.input('a', shapeA), g.input('b', shapeB), c),
    inputs: { a, b },
    dtype: 'f16',
    variants: { matmul: 'matrix' },
    tunings: { matmul: tuningOf(tuning) },
  });
  expect(ran).toEqual(['matmul:matrix']);
  return output;
}

async function expectRight(c: Case, tuning: SmallTuning): Promise<void> {
  const a = randomStored(size(c.batch) * c.m * c.k, 1, 'f16').map((v) => v / 8);
  const b = randomStored((c.shared ? 1 : size(c.batch)) * c.k * c.n, 2, 'f16');
  const { relL2, maxAbs } = errors(await product(c, a, b, tuning), reference(c, a, b));
  const label = `${tuning}: ${JSON.stringify(c)}`;
  expect(relL2, label).toBeLessThan(matmul.tolerance.f16.relL2);
  expect(maxAbs, label).toBeLessThan(matmul.tolerance.f16.maxAbs);
}

describeMatrix('matmul on matrix units', () => {
  const cases = SHAPES.flatMap((shape) => TRANSPOSES.map((t) => ({ ...shape, ...t })));
  test.each(cases.map((c) => [JSON.stringify(c), c] as const))('%s', (_, c) => expectRight(c, FIRST));

  test.each((Object.keys(SMALL_TUNINGS) as SmallTuning[]).filter((name) => name !== 'three slices'))(
    '%s, every transposition',
    async (tuning) => {
      for (const t of TRANSPOSES) {
        await expectRight({ batch: [2], m: 83, k: 88, n: 104, ...t }, tuning);
      }
    },
  );

  test('a batch gives the bits of its matrices alone, whatever their neighbours hold', async () => {
    const c: Case = { batch: [3], m: 37, k: 24, n: 40, transposeB: true };
    const a = randomStored(3 * 37 * 24, 1, 'f16').fill(Number.NaN, 0, 37 * 24);
    const b = randomStored(3 * 24 * 40, 2, 'f16');
    const all = await product(c, a, b, FIRST);
    for (let i = 1; i < 3; i++) {
      const part = (x: Float32Array) => x.slice((i * x.length) / 3, ((i + 1) * x.length) / 3);
      const alone = await product({ ...c, batch: [1] }, part(a), part(b), FIRST);
      expect(alone.every(Number.isFinite)).toBe(true);
      expect(part(all)).toEqual(alone);
    }
  });
});

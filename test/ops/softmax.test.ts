import { describe, expect, test } from 'vitest';
import { addon } from '../../src/ts/native/addon.js';
import { softmax } from '../../src/ts/ops/norm/softmax.js';
import { DTYPES } from '../support/dtypes.js';
import { errors, randomArray, runOp, testRuntime } from '../support/op-harness.js';
import { randomStored } from '../support/rounding.js';
import { size } from '../support/shapes.js';

const { software, subgroupSize } = (await testRuntime()).device.caps;
const VARIANTS = softmax.variants
  .map((v) => v.name)
  .filter((name) => name === 'portable' || (subgroupSize > 0 && (software || name !== 'cpu')));

async function run(
  x: Float32Array,
  shape: readonly number[],
  variant: string,
  dtype: 'f32' | 'f16' = 'f32',
  scale = 1,
) {
  const result = await runOp({
    build: (g) => g.softmax(g.input('x', shape), scale),
    inputs: { x },
    dtype,
    variants: { softmax: variant },
  });
  expect(result.ran).toEqual([`softmax:${variant}`]);
  return result.output;
}

function reference(x: Float32Array, shape: readonly number[], scale = 1): Float64Array {
  const columns = shape.at(-1)!;
  const scaled = Float64Array.from(x, (v) => v * scale);
  return addon().softmax(scaled, { rows: x.length / columns, columns });
}

describe.each(VARIANTS)('softmax, %s', (variant) => {
  const SHAPES = [
    [1, 1],
    [2, 3, 4],
    [1, 5, 7],
    [2, 3, 17, 33],
    [3, 64],
    [2, 70, 128],
    [1, 33, 1000],
    [5, 257],
    [1, 2, 2050],
  ];
  for (const dtype of DTYPES)
    test.each(SHAPES)(`%s, ${dtype}`, async (...shape) => {
      const x = randomStored(size(shape), 1, dtype);
      const e = errors(await run(x, shape, variant, dtype, 0.7), reference(x, shape, 0.7));
      expect(e.relL2).toBeLessThan(softmax.tolerance[dtype].relL2);
      expect(e.maxAbs).toBeLessThan(softmax.tolerance[dtype].maxAbs);
    });

  test('large scores do not overflow, small ones do not vanish', async () => {
    const shape = [6, 40];
    for (const offset of [-3000, 3000]) {
      const x = randomArray(size(shape), 2).map((v) => v + offset);
      const e = errors(await run(x, shape, variant), reference(x, shape));
      expect(e.relL2).toBeLessThan(softmax.tolerance.f32.relL2);
    }
  });

  test('the largest score last, first and everywhere', async () => {
    for (const columns of [100, 101]) {
      const shape = [3, columns];
      const x = randomArray(3 * columns, 3);
      x[columns - 1] = 60;
      x[columns] = 60;
      x.fill(5, 2 * columns);
      const e = errors(await run(x, shape, variant), reference(x, shape));
      expect(e.relL2).toBeLessThan(softmax.tolerance.f32.relL2);
    }
  });

  test('−∞ masks an element, a row of nothing else is uniform', async () => {
    const columns = 36;
    const x = randomArray(2 * columns, 4).map((v, i) => (i >= columns || i % 3 === 0 ? -Infinity : v));
    const y = await run(x, [2, columns], variant);
    const open = Float64Array.from(x.subarray(0, columns).filter(Number.isFinite));
    const expected = addon().softmax(open, { rows: 1, columns: open.length });
    expect(
      errors(
        y.subarray(0, columns).filter((_, i) => i % 3 !== 0),
        expected,
      ).relL2,
    ).toBeLessThan(2e-6);
    expect(y.subarray(0, columns).every((v, i) => i % 3 !== 0 || v === 0)).toBe(true);
    for (const v of y.subarray(columns)) expect(v).toBeCloseTo(1 / columns, 6);
  });

  test('more rows than a grid dimension holds', async () => {
    const x = randomArray(70000 * 4, 5);
    const e = errors(await run(x, [1, 70000, 4], variant), reference(x, [70000, 4]));
    expect(e.relL2).toBeLessThan(softmax.tolerance.f32.relL2);
  });

  test('a batch gives the bits of its images alone', async () => {
    const [rows, columns] = [5, 44];
    const x = randomArray(3 * rows * columns, 6);
    const all = await run(x, [3, rows, columns], variant);
    for (let b = 0; b < 3; b++) {
      const part = [b * rows * columns, (b + 1) * rows * columns] as const;
      expect(all.slice(...part)).toEqual(await run(x.slice(...part), [1, rows, columns], variant));
    }
  });

  test('neighbours in the arena stay as they are', async () => {
    const guard = randomArray(64, 9);
    const { output } = await runOp({
      build: (g) => {
        const around = g.input('guard', [1, 64]);
        const before = g.clamp(around, -100, 100);
        const y = g.softmax(g.input('x', [1, 5, 7]));
        const after = g.clamp(around, -50, 50);
        return g.concat([before, g.reshape(y, [1, 35]), after], 1);
      },
      inputs: { guard, x: randomArray(35, 1) },
      variants: { softmax: variant },
    });
    expect(output.slice(0, 64)).toEqual(guard);
    expect(output.slice(99)).toEqual(guard);
    expect(output.every(Number.isFinite)).toBe(true);
  });
});

test('softmax refuses a scale that is no number', () => {
  const t = { id: 0, name: 't', shape: [2, 8], dtype: 'f32' as const, kind: 'temporary' as const };
  expect(softmax.infer([t], { scale: 1 })).toEqual([[2, 8]]);
  expect(() => softmax.infer([t], {})).toThrow(/^softmax: /);
  expect(() => softmax.infer([null], { scale: 1 })).toThrow(/^softmax: /);
});

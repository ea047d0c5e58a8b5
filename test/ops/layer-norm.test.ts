import { describe, expect, test } from 'vitest';
import type { GraphBuilder, T } from '../../src/ts/graph/builder.js';
import { addon } from '../../src/ts/native/addon.js';
import { layerNorm } from '../../src/ts/ops/norm/layer-norm.js';
import type { Tuning } from '../../src/ts/ops/types.js';
import { DTYPES } from '../support/dtypes.js';
import { errors, randomArray, runOp, testRuntime } from '../support/op-harness.js';
import { stored } from '../support/rounding.js';
import { tuningsOf } from '../support/variants.js';

const EPS = 1e-5;

const { caps } = (await testRuntime()).device;

function build(g: GraphBuilder, shape: number[], withBeta = true): T {
  const channels = shape.at(-1)!;
  const beta = withBeta ? g.vectorWeight([channels], ['beta']) : null;
  return g.layerNorm(g.input('x', shape), g.vectorWeight([channels], ['gamma']), beta, EPS);
}

/** What a variant may be tuned to for a shape; undefined where it does not run it on this adapter. */
const tunings = (variant: string, shape: number[], dtype: 'f32' | 'f16' = 'f32'): readonly Tuning[] | undefined =>
  tuningsOf(layerNorm, variant, { build: (g) => build(g, shape), dtype }, caps);

const VARIANTS = layerNorm.variants.map((v) => v.name).filter((name) => tunings(name, [1, 5, 7]) !== undefined);

interface Options {
  readonly mean?: number;
  readonly beta?: boolean;
  readonly tuning?: Tuning;
}

async function run(shape: number[], dtype: 'f32' | 'f16', variant: string, o: Options = {}) {
  const channels = shape.at(-1)!;
  const rows = shape.slice(0, -1).reduce((a, b) => a * b, 1);
  const x = stored(
    randomArray(rows * channels, 1).map((v) => v + (o.mean ?? 0)),
    dtype,
  );
  const [gamma, beta] = [randomArray(channels, 2), randomArray(channels, 3)];
  const withBeta = o.beta ?? true;
  const result = await runOp({
    build: (g) => build(g, shape, withBeta),
    inputs: { x },
    weights: withBeta ? { gamma, beta } : { gamma },
    dtype,
    variants: { layerNorm: variant },
    ...(o.tuning && { tunings: { layerNorm: o.tuning } }),
  });
  expect(result.ran).toEqual([`layerNorm:${variant}`]);
  const expected = addon().layerNorm(x, gamma, withBeta ? beta : null, { rows, channels, eps: EPS });
  return errors(result.output, expected);
}

describe.each(VARIANTS)('layer norm, %s', (variant) => {
  const SHAPES = [
    [1, 1, 1],
    [2, 3, 4],
    [1, 5, 7],
    [2, 70, 128],
    [1, 77, 640],
    [3, 9, 1280],
    [7, 33],
    [2, 130, 20],
    [1, 2, 2050],
  ];
  for (const dtype of DTYPES) {
    test.each(SHAPES.filter((shape) => tunings(variant, shape, dtype)))(`%s, ${dtype}`, async (...shape) => {
      const e = await run(shape, dtype, variant);
      expect(e.relL2).toBeLessThan(layerNorm.tolerance[dtype].relL2);
      expect(e.maxAbs).toBeLessThan(layerNorm.tolerance[dtype].maxAbs);
    });
    test.runIf(tunings(variant, [2, 5, 36], dtype))(`no beta, ${dtype}`, async () => {
      expect((await run([2, 5, 36], dtype, variant, { beta: false })).relL2).toBeLessThan(
        layerNorm.tolerance[dtype].relL2,
      );
    });
  }

  test.each([
    [1, 7, 300],
    [1, 3, 77],
  ])('every tuning, %s', async (...shape) => {
    for (const tuning of tunings(variant, shape) ?? []) {
      const e = await run(shape, 'f32', variant, { tuning });
      expect(e.relL2, JSON.stringify(tuning)).toBeLessThan(layerNorm.tolerance.f32.relL2);
    }
  });

  test('a mean of 1000 costs no digits', async () => {
    const e = await run([4, 9, 640], 'f32', variant, { mean: 1000 });
    expect(e.relL2).toBeLessThan(layerNorm.tolerance.f32.relL2);
  });

  test('more rows than a grid dimension holds', async () => {
    expect((await run([1, 70000, 4], 'f32', variant)).relL2).toBeLessThan(layerNorm.tolerance.f32.relL2);
  });

  test('neighbours in the arena stay as they are', async () => {
    const guard = randomArray(64, 9);
    const { output } = await runOp({
      build: (g) => {
        const x = g.input('guard', [1, 64]);
        const before = g.clamp(x, -100, 100);
        const y = g.layerNorm(g.input('x', [1, 5, 7]), g.vectorWeight([7], ['gamma']), null, EPS);
        const after = g.clamp(x, -50, 50);
        return g.concat([before, g.reshape(y, [1, 35]), after], 1);
      },
      inputs: { guard, x: randomArray(35, 1) },
      weights: { gamma: randomArray(7, 2) },
      variants: { layerNorm: variant },
    });
    expect(output.slice(0, 64)).toEqual(guard);
    expect(output.slice(99)).toEqual(guard);
    expect(output.every(Number.isFinite)).toBe(true);
  });
});

test('layer norm refuses a short gamma', () => {
  const t = (shape: number[]) => ({ id: 0, name: 't', shape, dtype: 'f32' as const, kind: 'temporary' as const });
  expect(() => layerNorm.infer([t([2, 8]), t([4]), null], { eps: 1e-5 })).toThrow(/^layerNorm: /);
  expect(() => layerNorm.infer([t([2, 8]), null, null], { eps: 1e-5 })).toThrow(/^layerNorm: /);
});

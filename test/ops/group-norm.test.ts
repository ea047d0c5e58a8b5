import { describe, expect, test } from 'vitest';
import type { GraphBuilder, T } from '../../src/ts/graph/builder.js';
import { addon } from '../../src/ts/native/addon.js';
import { groupNorm } from '../../src/ts/ops/norm/group-norm.js';
import type { DeviceCaps, Tuning } from '../../src/ts/ops/types.js';
import { DTYPES } from '../support/dtypes.js';
import { errors, randomArray, runOp, testRuntime } from '../support/op-harness.js';
import { stored } from '../support/rounding.js';
import { someTiles } from '../support/tiles.js';
import { tuningsOf } from '../support/variants.js';

interface Case {
  shape: number[];
  groups: number;
  mean?: number;
  scaleShift?: boolean;
  act?: 'silu' | 'gelu' | 'quickGelu';
}

const EPS = 1e-5;

const { caps } = (await testRuntime()).device;

function build(g: GraphBuilder, { shape, groups, scaleShift, act }: Case): T {
  const [batch, channels] = [shape[0]!, shape.at(-1)!];
  const [gamma, beta] = [g.vectorWeight([channels], ['gamma']), g.vectorWeight([channels], ['beta'])];
  let y = g.groupNorm(g.input('x', shape), gamma, beta, groups, EPS);
  if (scaleShift) y = g.scaleShift(y, g.input('embedding', [batch, 2 * channels]));
  return act ? g.activation(y, act) : y;
}

/** What a variant may be tuned to for a case; undefined where it does not run it on this adapter. */
const tunings = (variant: string, c: Case, dtype: 'f32' | 'f16' = 'f32'): readonly Tuning[] | undefined =>
  tuningsOf(groupNorm, variant, { build: (g) => build(g, c), dtype }, caps);

interface Options {
  readonly tuning?: Tuning;
  /** What the kernels shall take the adapter for. */
  readonly caps?: Partial<DeviceCaps>;
}

async function run(c: Case, dtype: 'f32' | 'f16', variant: string, o: Options = {}) {
  const { shape, groups } = c;
  const [batch, channels] = [shape[0]!, shape.at(-1)!];
  const length = shape.slice(1, -1).reduce((a, b) => a * b, 1);
  const x = stored(
    // Groups of different means and images of different spreads.
    randomArray(batch * length * channels, 1).map(
      (v, i) => v * (1 + Math.floor(i / (length * channels))) + (c.mean ?? 0) + (i % channels) / channels,
    ),
    dtype,
  );
  const [gamma, beta] = [randomArray(channels, 2), randomArray(channels, 3)];
  const embedding = stored(randomArray(batch * 2 * channels, 4), dtype);
  const inputs: Record<string, Float32Array> = { x };
  if (c.scaleShift) inputs.embedding = embedding;
  const result = await runOp({
    build: (g) => build(g, c),
    inputs,
    weights: { gamma, beta },
    dtype,
    variants: { groupNorm: variant },
    ...(o.tuning && { tunings: { groupNorm: o.tuning } }),
    ...(o.caps && { caps: o.caps }),
  });
  expect(result.ran).toContain(`groupNorm:${variant}`);
  let expected = addon().groupNorm(x, gamma, beta, { batch, length, channels, groups, eps: EPS });
  if (c.scaleShift)
    expected = expected.map((v, i) => {
      const row = Math.floor(i / (length * channels)) * 2 * channels + (i % channels);
      return v * (1 + embedding[row]!) + embedding[row + channels]!;
    });
  if (c.act) expected = addon()[c.act](expected);
  return { e: errors(result.output, expected), output: result.output };
}

const CASES: Record<string, Case> = {
  'one position, one channel a group': { shape: [1, 1, 1, 4], groups: 4 },
  'three channels': { shape: [2, 5, 7, 3], groups: 1 },
  'two channels a group': { shape: [2, 9, 5, 6], groups: 3 },
  'ten channels a group': { shape: [2, 8, 8, 320], groups: 32, act: 'silu' },
  'one group': { shape: [1, 33, 17, 16], groups: 1 },
  'four groups': { shape: [3, 32, 32, 16], groups: 4, scaleShift: true, act: 'silu' },
  'a group a channel': { shape: [2, 6, 6, 32], groups: 32, scaleShift: true },
  'many channels': { shape: [2, 8, 8, 1536], groups: 32, act: 'gelu' },
  tokens: { shape: [2, 77, 96], groups: 8, act: 'quickGelu' },
  'no positions': { shape: [3, 64], groups: 8 },
  'large image, few channels': { shape: [1, 128, 128, 8], groups: 1, act: 'silu' },
  'large image': { shape: [2, 96, 96, 64], groups: 32, scaleShift: true, act: 'silu' },
  'odd large image': { shape: [1, 131, 67, 12], groups: 4 },
  'large image of five channels': { shape: [1, 101, 103, 5], groups: 5 },
};

const VARIANTS = groupNorm.variants
  .map((v) => v.name)
  .filter((name) => Object.values(CASES).some((c) => tunings(name, c) !== undefined));

describe.each(VARIANTS)('group norm, %s', (variant) => {
  for (const [name, c] of Object.entries(CASES))
    for (const dtype of DTYPES)
      test.runIf(tunings(variant, c, dtype))(`${name}, ${dtype}`, async () => {
        const { e } = await run(c, dtype, variant);
        expect(e.relL2).toBeLessThan(groupNorm.tolerance[dtype].relL2);
        expect(e.maxAbs).toBeLessThan(groupNorm.tolerance[dtype].maxAbs * (c.scaleShift ? 4 : 1));
      });

  const TUNED: Record<string, Case> = {
    'twelve channels a group': { shape: [2, 9, 7, 24], groups: 2, scaleShift: true, act: 'silu' },
    'ten channels a group': { shape: [2, 9, 7, 20], groups: 2, scaleShift: true },
    'five channels a group': { shape: [2, 9, 7, 10], groups: 2, act: 'gelu' },
  };
  test.each(Object.entries(TUNED).map(([name, c], turn) => [name, c, turn] as const))(
    'tuned, %s',
    async (_, c, turn) => {
      for (const tuning of someTiles(tunings(variant, c) ?? [], turn)) {
        const { e } = await run(c, 'f32', variant, { tuning });
        expect(e.relL2, JSON.stringify(tuning)).toBeLessThan(groupNorm.tolerance.f32.relL2);
      }
    },
  );

  test('a mean of 1000 costs no digits', async () => {
    const { e } = await run({ shape: [2, 64, 64, 16], groups: 4, mean: 1000 }, 'f32', variant);
    expect(e.relL2).toBeLessThan(groupNorm.tolerance.f32.relL2);
  });

  test('an image does not depend on the batch', async () => {
    const one = await run({ shape: [1, 40, 40, 24], groups: 6, act: 'silu' }, 'f32', variant);
    const three = await run({ shape: [3, 40, 40, 24], groups: 6, act: 'silu' }, 'f32', variant);
    expect(three.output.slice(0, one.output.length)).toEqual(one.output);
  });

  test('neighbours in the arena stay as they are', async () => {
    const guard = randomArray(64, 9);
    const count = 31 * 3 * 20;
    const { output } = await runOp({
      build: (g) => {
        const x = g.input('guard', [1, 64]);
        const before = g.clamp(x, -100, 100);
        const [gamma, beta] = [g.vectorWeight([20], ['gamma']), g.vectorWeight([20], ['beta'])];
        const y = g.groupNorm(g.input('x', [1, 31, 3, 20]), gamma, beta, 2, EPS);
        const after = g.clamp(x, -50, 50);
        return g.concat([before, g.reshape(y, [1, count]), after], 1);
      },
      inputs: { guard, x: randomArray(count, 1) },
      weights: { gamma: randomArray(20, 2), beta: randomArray(20, 3) },
      variants: { groupNorm: variant },
    });
    expect(output.slice(0, 64)).toEqual(guard);
    expect(output.slice(64 + count)).toEqual(guard);
    expect(output.every(Number.isFinite)).toBe(true);
  });
});

/** Longer workgroups, and a last kernel cut in its own way. */
test.each([
  { shape: [2, 81, 83, 20], groups: 2, scaleShift: true, act: 'silu' } as const,
  { shape: [1, 181, 183, 5], groups: 1, act: 'gelu' } as const,
])('group norm, strips as GPUs cut them, %o', async (c) => {
  const gpu = { software: false, subgroupSize: 0 };
  const { e } = await run({ ...c, shape: [...c.shape] }, 'f32', 'strips', { caps: gpu });
  expect(e.relL2).toBeLessThan(groupNorm.tolerance.f32.relL2);
});

test('group norm refuses operands that do not fit', () => {
  const t = (shape: number[]) => ({ id: 0, name: 't', shape, dtype: 'f32' as const, kind: 'temporary' as const });
  const infer = (inputs: ReturnType<typeof t>[], groups: number) =>
    groupNorm.infer(inputs, { groups, eps: 1e-5, act: 'none' });
  expect(() => infer([t([1, 4, 10]), t([12]), t([12])], 3)).toThrow(/^groupNorm: .*3 groups/);
  expect(() => infer([t([1, 4, 12]), t([8]), t([12])], 3)).toThrow(/^groupNorm: /);
  expect(() => infer([t([1, 4, 12]), t([12]), t([12]), t([1, 12])], 3)).toThrow(/^groupNorm: /);
});

import { describe, expect, test } from 'vitest';
import type { GraphBuilder, T } from '../../src/ts/graph/builder.js';
import { addon } from '../../src/ts/native/addon.js';
import { ACTIVATIONS, type Activation } from '../../src/ts/ops/activations.js';
import { conv2d } from '../../src/ts/ops/conv/conv2d.js';
import type { Tuning } from '../../src/ts/ops/types.js';
import { DTYPES } from '../support/dtypes.js';
import { errors, randomArray, runOp, testRuntime } from '../support/op-harness.js';
import { quantize } from '../support/quantized.js';
import { randomStored, stored } from '../support/rounding.js';
import { size } from '../support/shapes.js';
import { someTiles } from '../support/tiles.js';
import { tuningsOf } from '../support/variants.js';

interface Case {
  /** [B, H, W, I]. */
  readonly x: readonly [number, number, number, number];
  readonly o: number;
  readonly kernel: number;
  readonly stride?: number;
  readonly pad?: number;
  readonly upsample?: 1 | 2;
  readonly bias?: boolean;
  readonly imageBias?: boolean;
  readonly act?: Activation;
  /** half: the residual is its nearest enlargement. */
  readonly residual?: 'full' | 'half';
}

/** Every kernel and stride in use, channel counts 1 to 160, odd sizes, images smaller than a tile. */
const CASES: readonly Case[] = [
  { x: [1, 1, 1, 1], o: 1, kernel: 1 },
  { x: [1, 1, 1, 5], o: 3, kernel: 3, pad: 1, bias: true },
  { x: [1, 5, 7, 3], o: 8, kernel: 3, pad: 1, bias: true, act: 'silu' },
  { x: [2, 8, 8, 16], o: 16, kernel: 3, pad: 1, bias: true, imageBias: true },
  { x: [2, 8, 8, 16], o: 32, kernel: 3, stride: 2, pad: 1, bias: true },
  { x: [1, 6, 10, 32], o: 16, kernel: 3, pad: 1, upsample: 2, bias: true },
  { x: [2, 5, 3, 8], o: 6, kernel: 3, pad: 1, upsample: 2, bias: true, imageBias: true, act: 'silu', residual: 'half' },
  { x: [1, 9, 9, 8], o: 3, kernel: 3, pad: 1, residual: 'full' },
  { x: [2, 4, 4, 6], o: 12, kernel: 3, pad: 1, bias: true, act: 'gelu', residual: 'full' },
  { x: [1, 28, 28, 3], o: 32, kernel: 14, stride: 14 },
  { x: [1, 32, 16, 3], o: 24, kernel: 16, stride: 16, bias: true },
  { x: [2, 8, 8, 96], o: 64, kernel: 1, bias: true, residual: 'full' },
  { x: [2, 8, 6, 12], o: 7, kernel: 1, bias: true, imageBias: true },
  { x: [1, 7, 5, 5], o: 7, kernel: 4, stride: 2, pad: 1, bias: true, act: 'quickGelu', residual: 'full' },
  { x: [3, 8, 8, 160], o: 160, kernel: 3, pad: 1, bias: true, imageBias: true, act: 'silu', residual: 'full' },
  { x: [1, 13, 11, 32], o: 36, kernel: 3, stride: 2, pad: 1 },
  { x: [1, 6, 9, 4], o: 20, kernel: 3, bias: true },
  { x: [1, 4, 4, 2], o: 4, kernel: 3, pad: 2, bias: true },
  { x: [1, 19, 37, 8], o: 8, kernel: 3, pad: 1, bias: true, act: 'silu' },
  { x: [3, 10, 7, 12], o: 40, kernel: 5, pad: 2, bias: true, imageBias: true, act: 'silu', residual: 'full' },
  { x: [1, 20, 23, 3], o: 5, kernel: 7, stride: 2, pad: 3, bias: true },
  { x: [2, 8, 6, 16], o: 18, kernel: 1, bias: true, residual: 'half' },
  { x: [2, 9, 5, 6], o: 4, kernel: 1, stride: 2, bias: true },
  { x: [1, 5, 6, 8], o: 8, kernel: 4, pad: 1, upsample: 2 },
];

/** Whether a variant reads weights in 8 bits: the reference then starts from what those stand for. */
const isQuantized = (variant: string): boolean => conv2d.variants.find((v) => v.name === variant)?.weights === 'q8';

/**
 * Every so many cases of a variant are tried: few of those whose tiles are the ones of `portable` and `f16`, since a CPU driver
 * compiles each for seconds.
 */
const every = (variant: string): number => (variant === 'q8' || variant === 'q8-f16' ? 4 : 1);

const outputShape = ({ x: [b, h, w], o, kernel, stride = 1, pad = 0, upsample = 1 }: Case) =>
  [
    b,
    Math.floor((h * upsample + 2 * pad - kernel) / stride) + 1,
    Math.floor((w * upsample + 2 * pad - kernel) / stride) + 1,
    o,
  ] as const;

const residualShape = (c: Case): readonly number[] => {
  const [b, h, w, o] = outputShape(c);
  return c.residual === 'half' ? [b, h / 2, w / 2, o] : [b, h, w, o];
};

function build(g: GraphBuilder, c: Case): T {
  let x = g.input('x', c.x);
  if (c.upsample === 2) x = g.upsampleNearest2x(x);
  const bias = c.bias ? g.vectorWeight([c.o], ['bias']) : null;
  const { kernel, stride = 1, pad = 0 } = c;
  let y = g.conv2d(x, g.convWeight(c.x[3], c.o, kernel, 'w'), bias, { outChannels: c.o, kernel, stride, pad });
  if (c.imageBias) y = g.add(y, g.input('imageBias', [c.x[0], c.o]));
  if (c.act !== undefined && c.act !== 'none') y = g.activation(y, c.act);
  if (c.residual === undefined) return y;
  const residual = g.input('residual', residualShape(c));
  return g.add(y, c.residual === 'half' ? g.upsampleNearest2x(residual) : residual);
}

const { caps } = (await testRuntime()).device;

/** What a variant may be tuned to for a case; undefined where it does not run it. */
const tunings = (variant: string, c: Case, dtype: 'f32' | 'f16'): readonly Tuning[] | undefined =>
  tuningsOf(conv2d, variant, { build: (g) => build(g, c), dtype }, caps);

const runs = (variant: string, c: Case, dtype: 'f32' | 'f16'): boolean => tunings(variant, c, dtype) !== undefined;

/** f32, or f16 for what runs only that. */
const dtypeOf = (variant: string): 'f32' | 'f16' => (variant.endsWith('f16') ? 'f16' : 'f32');

/** Those that run on this adapter; the kernels for matrix units have tests of their own. */
const VARIANTS = conv2d.variants
  .map((v) => v.name)
  .filter((name) => !name.endsWith('matrix') && CASES.some((c) => runs(name, c, dtypeOf(name))));

async function run(c: Case, dtype: 'f32' | 'f16', variant: string, seed = 1, tuning?: Tuning) {
  const [batch, height, width, inChannels] = c.x;
  const { kernel, stride = 1, pad = 0, upsample = 1, o } = c;
  const fan = kernel * kernel * inChannels;
  const x = randomStored(size(c.x), seed, dtype);
  const w = stored(
    randomArray(o * fan, seed + 1).map((v) => v / Math.sqrt(fan)),
    dtype,
  );
  const bias = randomArray(o, seed + 2);
  const imageBias = randomStored(batch * o, seed + 3, dtype);
  const residual = randomStored(size(residualShape(c)), seed + 4, dtype);
  const { output, ran } = await runOp({
    build: (g) => build(g, c),
    inputs: { x, ...(c.imageBias ? { imageBias } : {}), ...(c.residual ? { residual } : {}) },
    weights: c.bias ? { w, bias } : { w },
    dtype,
    variants: { conv2d: variant },
    ...(tuning && { tunings: { conv2d: tuning } }),
    quantized: isQuantized(variant),
  });
  expect(ran).toEqual([`conv2d:${variant}`]);
  const sizes = {
    batch,
    height,
    width,
    inChannels,
    outChannels: o,
    kernelHeight: kernel,
    kernelWidth: kernel,
    stride,
    pad,
    upsample,
  };
  let expected = addon().conv2d(x, isQuantized(variant) ? quantize(w, o).restored : w, c.bias ? bias : null, sizes);
  const [, oh, ow] = outputShape(c);
  if (c.imageBias) expected = expected.map((v, i) => v + imageBias[Math.floor(i / (oh * ow * o)) * o + (i % o)]!);
  if (c.act !== undefined && c.act !== 'none') expected = addon()[c.act](expected);
  if (c.residual) {
    const whole =
      c.residual === 'full'
        ? residual
        : addon().nearest2x(residual, { batch, height: oh / 2, width: ow / 2, channels: o });
    expected = expected.map((v, i) => v + whole[i]!);
  }
  return { output, error: errors(output, expected) };
}

describe.each(VARIANTS)('conv2d, %s', (variant) => {
  for (const dtype of DTYPES) {
    const running = CASES.filter((c, i) => i % every(variant) === 0 && runs(variant, c, dtype));
    const cases = running.map((c) => [JSON.stringify(c), c] as const);
    test.each(cases)(`%s, ${dtype}`, async (_, c) => {
      const { error } = await run(c, dtype, variant);
      expect(error.relL2).toBeLessThan(conv2d.tolerance[dtype].relL2);
      expect(error.maxAbs).toBeLessThan(conv2d.tolerance[dtype].maxAbs);
    });
  }

  test('every epilogue', async () => {
    for (const act of Object.keys(ACTIVATIONS) as Activation[]) {
      for (const residual of [undefined, 'full', 'half'] as const) {
        for (const imageBias of [false, true]) {
          const c: Case = { x: [2, 6, 4, 8], o: 12, kernel: 3, pad: 1, bias: imageBias, imageBias, act, residual };
          const { error } = await run(c, dtypeOf(variant), variant);
          expect(error.relL2, JSON.stringify(c)).toBeLessThan(conv2d.tolerance[dtypeOf(variant)].relL2);
        }
      }
    }
  });

  test('random shapes', async () => {
    const draws = randomArray(60, 21).map((v) => Math.abs(v));
    for (let i = 0; i < 12; i += every(variant)) {
      const pick = (j: number, max: number): number => 1 + Math.floor((draws[i * 5 + j]! / 1.7321) * max * 0.999);
      const c: Case = {
        x: [1 + (i % 2), pick(0, 20), pick(1, 20), pick(2, 40)],
        o: pick(3, 40),
        kernel: 3,
        pad: 1,
        upsample: draws[i * 5 + 4]! > 0.9 ? 2 : 1,
        bias: true,
      };
      const { error } = await run(c, dtypeOf(variant), variant, i);
      expect(error.relL2, JSON.stringify(c)).toBeLessThan(conv2d.tolerance[dtypeOf(variant)].relL2);
    }
  });

  test.each([
    [3, 1],
    [4, 2],
  ])(
    'a batch gives the bits of its images alone, whatever its neighbours hold: kernel %d, stride %d',
    async (kernel, stride) => {
      const c: Case = { x: [3, 7, 9, 12], o: 20, kernel, stride, pad: 1, bias: true, act: 'silu' };
      const image = size(c.x) / 3;
      const x = randomArray(size(c.x), 5).fill(Number.NaN, 0, image);
      const weights = { w: randomArray(20 * kernel ** 2 * 12, 6), bias: randomArray(20, 7) };
      const go = async (batch: number, values: Float32Array) =>
        (
          await runOp({
            build: (g) => build(g, { ...c, x: [batch, 7, 9, 12] }),
            inputs: { x: values },
            weights,
            dtype: dtypeOf(variant),
            variants: { conv2d: variant },
            quantized: isQuantized(variant),
          })
        ).output;
      const all = await go(3, x);
      const result = all.length / 3;
      for (let b = 1; b < 3; b++) {
        const alone = await go(1, x.slice(b * image, (b + 1) * image));
        expect(all.slice(b * result, (b + 1) * result)).toEqual(alone);
        expect(alone.every(Number.isFinite)).toBe(true);
      }
    },
  );

  test('neighbours in the arena stay as they are', async () => {
    for (const [o, stride] of [
      [3, 1],
      [6, 1],
      [20, 1],
      [6, 2],
    ] as const) {
      const guard = stored(randomArray(64, 9), dtypeOf(variant));
      const elements = (stride === 1 ? 5 * 9 : 3 * 5) * o;
      const { output } = await runOp({
        build: (g) => {
          const around = g.input('guard', [1, 64]);
          const before = g.clamp(around, -100, 100);
          const x = g.input('x', [1, 5, 9, 4]);
          const y = g.conv2d(x, g.convWeight(4, o, 3, 'w'), null, { outChannels: o, kernel: 3, stride, pad: 1 });
          const after = g.clamp(around, -50, 50);
          return g.concat([before, g.reshape(y, [1, elements]), after], 1);
        },
        inputs: { guard, x: randomArray(180, 1) },
        weights: { w: randomArray(o * 36, 2) },
        dtype: dtypeOf(variant),
        variants: { conv2d: variant },
        quantized: isQuantized(variant),
      });
      expect(output.slice(0, 64)).toEqual(guard);
      expect(output.slice(64 + elements)).toEqual(guard);
      expect(output.every(Number.isFinite)).toBe(true);
    }
  });

  // Tails in every direction, read as vectors and one by one.
  const tuned: readonly Case[] = [
    { x: [2, 9, 7, 5], o: 6, kernel: 3, pad: 1, bias: true, act: 'silu', residual: 'full' },
    { x: [1, 12, 14, 12], o: 68, kernel: 3, stride: 2, pad: 1, bias: true, imageBias: true },
    { x: [1, 5, 6, 8], o: 36, kernel: 3, pad: 1, upsample: 2, bias: true },
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
        expect(error.relL2).toBeLessThan(conv2d.tolerance[dtype].relL2);
        // Tiles add up in the same order, whatever their size.
        first ??= output;
        expect(output).toEqual(first);
      },
    );
  }
});

test('conv2d refuses operands that do not fit', () => {
  const t = (shape: number[]) => ({ id: 0, name: 't', shape, dtype: 'f32' as const, kind: 'temporary' as const });
  const attrs = { outChannels: 6, kernel: 3, stride: 1, pad: 1, upsample: 1, residualUpsample: false, act: 'none' };
  const [x, w] = [t([2, 4, 5, 8]), t([3, 3, 8, 8])];
  expect(conv2d.infer([x, w, t([8]), t([2, 6]), t([2, 4, 5, 6])], attrs)).toEqual([[2, 4, 5, 6]]);
  expect(conv2d.infer([x, w, null, t([2, 8]), null], { ...attrs, upsample: 2 })).toEqual([[2, 8, 10, 6]]);
  const refused = (inputs: Parameters<typeof conv2d.infer>[0], changed = {}) =>
    expect(() => conv2d.infer(inputs, { ...attrs, ...changed })).toThrow(/^conv2d: /);
  refused([t([4, 5, 8]), w, null, null, null]);
  refused([x, t([3, 3, 8, 6]), null, null, null]);
  refused([x, w, t([6]), null, null]);
  refused([x, w, null, t([1, 6]), null]);
  refused([x, w, null, null, t([2, 4, 5, 8])]);
  refused([x, w, null, null, t([2, 2, 2, 6])], { residualUpsample: true });
  refused([t([2, 1, 1, 8]), w, null, null, null], { pad: 0 });
  refused([x, null, null, null, null]);
});

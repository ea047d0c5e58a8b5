import { expect, test } from 'vitest';
import type { GraphBuilder, T } from '../../src/ts/graph/builder.js';
import { addon } from '../../src/ts/native/addon.js';
import { ACTIVATIONS, type Activation } from '../../src/ts/ops/activations.js';
import { conv2d } from '../../src/ts/ops/conv/conv2d.js';
import { errors, randomArray, runOp } from '../support/op-harness.js';
import { randomStored, stored } from '../support/rounding.js';
import { size } from '../support/shapes.js';
import { describeMatrix, SMALL_TUNINGS, type SmallTuning, tuningOf } from './support/adapter.js';

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

const FIRST: SmallTuning = 'one matrix a subgroup';

/** Every kernel, stride and enlargement in use; channels that are multiples of 8, of 4 and of nothing; odd sizes. */
const CASES: readonly Case[] = [
  { x: [1, 3, 3, 8], o: 8, kernel: 3, pad: 1 },
  { x: [1, 5, 7, 3], o: 8, kernel: 3, pad: 1, bias: true, act: 'silu' },
  { x: [2, 8, 8, 16], o: 16, kernel: 3, pad: 1, bias: true, imageBias: true },
  { x: [2, 8, 8, 16], o: 32, kernel: 3, stride: 2, pad: 1, bias: true },
  { x: [1, 6, 10, 32], o: 16, kernel: 3, pad: 1, upsample: 2, bias: true },
  { x: [2, 5, 3, 8], o: 6, kernel: 3, pad: 1, upsample: 2, bias: true, imageBias: true, act: 'silu', residual: 'half' },
  { x: [2, 5, 3, 8], o: 24, kernel: 3, pad: 1, upsample: 2, imageBias: true, residual: 'half' },
  { x: [1, 9, 9, 8], o: 3, kernel: 3, pad: 1, residual: 'full' },
  { x: [2, 4, 4, 6], o: 12, kernel: 3, pad: 1, bias: true, act: 'gelu', residual: 'full' },
  { x: [1, 56, 42, 3], o: 32, kernel: 14, stride: 14 },
  { x: [2, 8, 8, 96], o: 64, kernel: 1, bias: true, residual: 'full' },
  { x: [2, 8, 6, 12], o: 7, kernel: 1, bias: true, imageBias: true },
  { x: [1, 7, 11, 5], o: 7, kernel: 4, stride: 2, pad: 1, bias: true, act: 'quickGelu', residual: 'full' },
  { x: [2, 8, 8, 160], o: 40, kernel: 3, pad: 1, bias: true, imageBias: true, act: 'silu', residual: 'full' },
  { x: [1, 13, 11, 32], o: 36, kernel: 3, stride: 2, pad: 1 },
  { x: [1, 6, 9, 1], o: 20, kernel: 3, bias: true },
  { x: [1, 4, 4, 2], o: 4, kernel: 3, pad: 2, bias: true },
];

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

const forced = (tuning: SmallTuning) => ({
  ...{ dtype: 'f16' as const, variants: { conv2d: 'matrix' }, tunings: { conv2d: tuningOf(tuning) } },
});

async function expectRight(c: Case, tuning: SmallTuning, seed = 1): Promise<void> {
  const [batch, height, width, inChannels] = c.x;
  const { kernel, stride = 1, pad = 0, upsample = 1, o } = c;
  const fan = kernel * kernel * inChannels;
  const x = randomStored(size(c.x), seed, 'f16');
  const w = stored(
    randomArray(o * fan, seed + 1).map((v) => v / Math.sqrt(fan)),
    'f16',
  );
  const bias = randomArray(o, seed + 2);
  const imageBias = randomStored(batch * o, seed + 3, 'f16');
  const residual = randomStored(size(residualShape(c)), seed + 4, 'f16');
  const { output, ran } = await runOp({
    build: (g) => build(g, c),
    inputs: { x, ...(c.imageBias ? { imageBias } : {}), ...(c.residual ? { residual } : {}) },
    weights: c.bias ? { w, bias } : { w },
    ...forced(tuning),
  });
  expect(ran).toEqual(['conv2d:matrix']);
  let expected = addon().conv2d(x, w, c.bias ? bias : null, {
    ...{ batch, height, width, inChannels, outChannels: o, kernelHeight: kernel, kernelWidth: kernel },
    ...{ stride, pad, upsample },
  });
  const [, oh, ow] = outputShape(c);
  if (c.imageBias) expected = expected.map((v, i) => v + imageBias[Math.floor(i / (oh * ow * o)) * o + (i % o)]!);
  if (c.act !== undefined && c.act !== 'none') expected = addon()[c.act](expected);
  if (c.residual) {
    const half = { batch, height: oh / 2, width: ow / 2, channels: o };
    const whole = c.residual === 'full' ? residual : addon().nearest2x(residual, half);
    expected = expected.map((v, i) => v + whole[i]!);
  }
  const { relL2, maxAbs } = errors(output, expected);
  const label = `${tuning}: ${JSON.stringify(c)}`;
  expect(relL2, label).toBeLessThan(conv2d.tolerance.f16.relL2);
  expect(maxAbs, label).toBeLessThan(conv2d.tolerance.f16.maxAbs);
}

describeMatrix('conv2d on matrix units', () => {
  test.each(CASES.map((c) => [JSON.stringify(c), c] as const))('%s', (_, c) => expectRight(c, FIRST));

  test.each(Object.keys(SMALL_TUNINGS) as SmallTuning[])('%s', async (tuning) => {
    const epilogue = { bias: true, imageBias: true, act: 'silu', residual: 'full' } as const;
    await expectRight({ x: [2, 9, 7, 24], o: 40, kernel: 3, pad: 1, ...epilogue }, tuning);
    await expectRight({ x: [2, 5, 7, 6], o: 19, kernel: 3, pad: 1, ...epilogue }, tuning);
  });

  test('every epilogue', async () => {
    for (const act of Object.keys(ACTIVATIONS) as Activation[])
      for (const residual of [undefined, 'full', 'half'] as const)
        for (const imageBias of [false, true])
          for (const o of [16, 12])
            await expectRight(
              { x: [2, 6, 4, 8], o, kernel: 3, pad: 1, bias: imageBias, imageBias, act, residual },
              FIRST,
            );
  });

  test('random shapes', async () => {
    const draws = randomArray(80, 21).map((v) => Math.abs(v) / 1.7321);
    for (let i = 0; i < 16; i++) {
      const pick = (j: number, max: number): number => 1 + Math.floor(draws[i * 5 + j]! * max * 0.999);
      const c: Case = {
        x: [1 + (i % 2), 2 + pick(0, 20), 3 + pick(1, 20), pick(2, 40)],
        ...{ o: pick(3, 40), kernel: 3, pad: 1, upsample: draws[i * 5 + 4]! > 0.5 ? 2 : 1, bias: true },
      };
      await expectRight(c, FIRST, i);
    }
  });

  test('a batch gives the bits of its images alone, whatever its neighbours hold', async () => {
    const c: Case = { x: [3, 7, 9, 16], o: 24, kernel: 3, pad: 1, bias: true, act: 'silu' };
    const image = size(c.x) / 3;
    const x = randomArray(size(c.x), 5).fill(Number.NaN, 0, image);
    const weights = { w: randomArray(24 * 9 * 16, 6), bias: randomArray(24, 7) };
    const go = async (batch: number, values: Float32Array) =>
      (
        await runOp({
          build: (g) => build(g, { ...c, x: [batch, 7, 9, 16] }),
          inputs: { x: values },
          weights,
          ...forced(FIRST),
        })
      ).output;
    const all = await go(3, x);
    const result = all.length / 3;
    for (let b = 1; b < 3; b++) {
      const alone = await go(1, x.slice(b * image, (b + 1) * image));
      expect(all.slice(b * result, (b + 1) * result)).toEqual(alone);
      expect(alone.every(Number.isFinite)).toBe(true);
    }
  });

  test.each([3, 6, 24])('neighbours in the arena stay as they are: %i channels', async (o) => {
    const guard = randomStored(64, 9, 'f16');
    const elements = 5 * 9 * o;
    const { output } = await runOp({
      build: (g) => {
        const around = g.input('guard', [1, 64]);
        const before = g.clamp(around, -100, 100);
        const x = g.input('x', [1, 5, 9, 8]);
        const y = g.conv2d(x, g.convWeight(8, o, 3, 'w'), null, { outChannels: o, kernel: 3, pad: 1 });
        const after = g.clamp(around, -50, 50);
        return g.concat([before, g.reshape(y, [1, elements]), after], 1);
      },
      inputs: { guard, x: randomArray(360, 1) },
      weights: { w: randomArray(o * 72, 2) },
      ...forced(FIRST),
    });
    expect(output.slice(0, 64)).toEqual(guard);
    expect(output.slice(64 + elements)).toEqual(guard);
    expect(output.every(Number.isFinite)).toBe(true);
  });
});

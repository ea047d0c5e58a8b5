import { describe, expect, it } from 'vitest';
import { GraphBuilder } from '../../src/ts/graph/builder.js';
import { addon } from '../../src/ts/native/addon.js';
import { broadcastOf } from '../../src/ts/ops/elementwise/add.js';
import { DTYPES } from '../support/dtypes.js';
import { runOp } from '../support/op-harness.js';
import { randomStored, stored } from '../support/rounding.js';
import { size } from '../support/shapes.js';
import { expectWithin } from '../support/within.js';

/** Activations in fp64. */
const ACTIVATIONS = {
  silu: (x: Float32Array): ArrayLike<number> => addon().silu(x),
  gelu: (x: Float32Array): ArrayLike<number> => addon().gelu(x),
  quickGelu: (x: Float32Array): ArrayLike<number> => addon().quickGelu(x),
  relu: (x: Float32Array): ArrayLike<number> => addon().relu(x),
};
const NAMES = ['silu', 'gelu', 'quickGelu', 'relu'] as const;

describe.each(DTYPES)('element-wise ops in %s', (dtype) => {
  it.each(NAMES)('%s on whole and ragged vec4s', async (act) => {
    for (const shape of [
      [2, 5, 12],
      [1, 3, 7],
      [3, 1000],
    ]) {
      const x = randomStored(
        shape.reduce((a, b) => a * b, 1),
        shape.length,
        dtype,
      );
      const { output } = await runOp({ dtype, inputs: { x }, build: (g) => g.activation(g.input('x', shape), act) });
      expectWithin('activation', dtype, output, ACTIVATIONS[act](x));
    }
  });

  it.each(NAMES)('%s far from zero stays finite', async (act) => {
    const x = stored(Float32Array.from([-60000, -1000, -100, -20, -5, -0, 5, 20, 100, 1000, 60000]), dtype);
    const { output } = await runOp({ dtype, inputs: { x }, build: (g) => g.activation(g.input('x', [11]), act) });
    const reference = ACTIVATIONS[act](x);
    for (let i = 0; i < x.length; i++) {
      const bound = 1e-6 + Math.abs(reference[i]!) * (dtype === 'f16' ? 5e-4 : 1e-6);
      expect(Math.abs(output[i]! - reference[i]!), `${act}(${x[i]})`).toBeLessThanOrEqual(bound);
    }
  });

  it('clamps, also from f32 to the activation type', async () => {
    for (const length of [24, 13]) {
      const x = randomStored(length, 1, dtype);
      const { output } = await runOp({
        dtype,
        inputs: { x },
        build: (g) => g.clamp(g.input('x', [1, length], 'f32'), -0.75, 1.25),
      });
      expect([...output]).toEqual([...x].map((v) => Math.min(Math.max(v, -0.75), 1.25)));
    }
  });

  it.each([
    ['the same shape', [2, 3, 5, 8], [2, 3, 5, 8]],
    ['the same shape, ragged', [3, 7], [3, 7]],
    ['a trailing part', [2, 5, 8], [5, 8]],
    ['a trailing vector, ragged', [2, 3, 7], [7]],
    ['a trailing part under leading ones', [3, 4, 4], [1, 4, 4]],
    ['a row per image', [3, 4, 5, 12], [3, 12]],
    ['a row per image, ragged', [2, 9, 3], [2, 3]],
    ['more than one grid row of work', [3, 260, 8], [3, 8]],
  ] as const)('adds %s', async (_, aShape, bShape) => {
    const [a, b] = [randomStored(size(aShape), 2, dtype), randomStored(size(bShape), 3, dtype)];
    const { output } = await runOp({
      dtype,
      inputs: { a, b },
      build: (g) => g.add(g.input('a', aShape), g.input('b', bShape)),
    });
    const channels = aShape[aShape.length - 1]!;
    const perImage = bShape.length === 2 && aShape.length > 2 && bShape[0] === aShape[0];
    const reference = Float64Array.from(a, (v, i) => {
      const image = Math.floor(i / (size(aShape) / aShape[0]));
      return v + b[perImage ? image * channels + (i % channels) : i % b.length]!;
    });
    expectWithin('add', dtype, output, reference);
  });

  it.each([
    [
      [2, 5, 12],
      [2, 5, 12],
    ],
    [
      [2, 3, 7],
      [2, 3, 7],
    ],
    [
      [2, 5, 12],
      [2, 12],
    ],
  ] as const)('adds a scaled part: %s + %s / 64', async (aShape, bShape) => {
    const [a, b] = [randomStored(size(aShape), 12, dtype), randomStored(size(bShape), 13, dtype)];
    const { output } = await runOp({
      dtype,
      inputs: { a, b },
      build: (g) => g.addScaled(g.input('a', aShape), g.input('b', bShape), 1 / 64),
    });
    const [channels, image] = [aShape.at(-1)!, size(aShape) / aShape[0]!];
    const partner = (i: number): number =>
      aShape.length === bShape.length ? i : Math.floor(i / image) * channels + (i % channels);
    expectWithin(
      'add',
      dtype,
      output,
      Float64Array.from(a, (v, i) => v + b[partner(i)]! / 64),
    );
  });

  it('adds weights: positional embeddings in the activation type, padded vectors in f32', async () => {
    const [x, table, vector] = [
      randomStored(2 * 5 * 6, 4, dtype),
      randomStored(30, 5, dtype),
      randomStored(6, 6, 'f32'),
    ];
    const { output } = await runOp({
      dtype,
      inputs: { x },
      weights: { table, vector },
      build: (g) => {
        const sum = g.add(g.input('x', [2, 5, 6]), g.copyWeight([1, 5, 6], 'table'));
        return g.add(sum, g.vectorWeight([6], ['vector']));
      },
    });
    expectWithin(
      'add',
      dtype,
      output,
      x.map((v, i) => v + table[i % 30]! + vector[i % 6]!),
    );
  });

  it.each([[[2, 5, 3, 8]], [[3, 4, 6]], [[2, 10]]])('scales and shifts %s by image', async (shape) => {
    const [batch, channels] = [shape[0]!, shape[shape.length - 1]!];
    const size = shape.reduce((a, b) => a * b, 1);
    const [x, emb] = [randomStored(size, 7, dtype), randomStored(batch * channels * 2, 8, dtype)];
    const { output } = await runOp({
      dtype,
      inputs: { x, emb },
      build: (g) => g.scaleShift(g.input('x', shape), g.input('emb', [batch, 2 * channels])),
    });
    const reference = Float64Array.from(x, (v, i) => {
      const at = Math.floor(i / (size / batch)) * 2 * channels + (i % channels);
      return v * (1 + emb[at]!) + emb[at + channels]!;
    });
    expectWithin('scaleShift', dtype, output, reference);
  });

  it.each([[[3, 2, 8]], [[2, 7]]])('affine of %s from f32 latents with f32 vectors', async (shape) => {
    const channels = shape[shape.length - 1]!;
    const size = shape.reduce((a, b) => a * b, 1);
    const [x, scale, shift] = [
      randomStored(size, 9, 'f32'),
      randomStored(channels, 10, 'f32'),
      randomStored(channels, 11, 'f32'),
    ];
    const { output } = await runOp({
      dtype,
      inputs: { x },
      weights: { scale, shift },
      build: (g) =>
        g.affine(
          g.input('x', shape, 'f32'),
          g.vectorWeight([channels], ['scale']),
          g.vectorWeight([channels], ['shift']),
        ),
    });
    expectWithin(
      'affine',
      dtype,
      output,
      x.map((v, i) => v * scale[i % channels]! + shift[i % channels]!),
    );
  });
});

describe('the batch', () => {
  it('changes no bit of an image', async () => {
    const perImage = 5 * 6;
    const x = randomStored(4 * perImage, 12, 'f32');
    const y = randomStored(4 * perImage, 13, 'f32');
    const run = async (from: number, to: number): Promise<Float32Array> => {
      const part = (a: Float32Array) => a.subarray(from * perImage, to * perImage);
      const shape = [to - from, 5, 6];
      const { output } = await runOp({
        inputs: { x: part(x), y: part(y) },
        build: (g) => g.activation(g.add(g.input('x', shape), g.input('y', shape)), 'gelu'),
      });
      return output;
    };
    const all = await run(0, 4);
    for (const image of [0, 1, 2, 3])
      expect(await run(image, image + 1)).toEqual(all.slice(image * perImage, (image + 1) * perImage));
  });
});

describe('operands that do not fit', () => {
  const g = new GraphBuilder('test', { dtype: 'f32' });
  const x = g.input('x', [2, 3, 8]);

  it.each([
    ['add', () => g.add(x, g.input('b1', [4, 8]))],
    ['add', () => g.add(x, g.input('b2', [2, 2, 3, 8]))],
    ['scaleShift', () => g.scaleShift(x, g.input('e1', [2, 8]))],
    ['scaleShift', () => g.scaleShift(x, g.input('e2', [3, 16]))],
    ['affine', () => g.affine(x, g.input('s', [4]), g.input('t', [8]))],
    ['clamp', () => g.clamp(x, 1, -1)],
  ])('%s refuses them', (op, build) => {
    expect(build).toThrow(expect.objectContaining({ code: 'GRAPH_INVALID', message: expect.stringContaining(op) }));
  });

  it('reads [B, C] against [B, B, C] per image, a weight of that shape as a trailing part', () => {
    const square = g.input('square', [5, 5, 8]);
    expect(broadcastOf(square, g.input('rows', [5, 8]))).toEqual({ span: 40, step: 8 });
    expect(broadcastOf(square, g.copyWeight([5, 8], 'positions'))).toEqual({ span: 200, step: 40 });
  });
});

import { describe, expect, it } from 'vitest';
import { GraphBuilder } from '../../src/ts/graph/builder.js';
import { DTYPES } from '../support/dtypes.js';
import { runOp } from '../support/op-harness.js';
import { randomStored, stored } from '../support/rounding.js';
import { ramp, size } from '../support/shapes.js';

/** Joins parts along an axis, in the plainest way. */
function joined(
  parts: readonly { data: Float32Array; shape: readonly number[] }[],
  axis: number,
  batch: number,
): number[] {
  const rank = parts[0]!.shape.length;
  const rows = axis === 0 ? 1 : batch * size(parts[0]!.shape.slice(1, axis));
  const out: number[] = [];
  for (let row = 0; row < rows; row++)
    for (const { data, shape } of parts) {
      const length = size(shape.slice(axis, rank));
      const at = (row * length) % data.length;
      out.push(...data.subarray(at, at + length));
    }
  return out;
}

describe.each(DTYPES)('layout ops in %s', (dtype) => {
  it.each([
    [
      'channels',
      3,
      [
        [2, 3, 5, 8],
        [2, 3, 5, 12],
      ],
    ],
    [
      'channels, in eights',
      3,
      [
        [2, 3, 5, 8],
        [2, 3, 5, 16],
      ],
    ],
    [
      'channels, ragged',
      3,
      [
        [2, 4, 3, 3],
        [2, 4, 3, 3],
        [2, 4, 3, 1],
      ],
    ],
    [
      'a token before a sequence',
      1,
      [
        [1, 1, 12],
        [3, 7, 12],
        [3, 1, 12],
      ],
    ],
    [
      'an image token repeated, ragged',
      1,
      [
        [2, 4, 5],
        [1, 2, 5],
      ],
    ],
    [
      'batches',
      0,
      [
        [2, 3, 4],
        [1, 3, 4],
      ],
    ],
    [
      'inner rows of an image repeated',
      2,
      [
        [1, 3, 2, 4],
        [4, 3, 1, 4],
      ],
    ],
  ] as const)('concat of %s', async (_, axis, shapes) => {
    const parts = shapes.map((shape, i) => ({ shape, data: ramp(size(shape), 500 * i) }));
    const { output } = await runOp({
      dtype,
      inputs: Object.fromEntries(parts.map(({ data }, i) => [`x${i}`, data])),
      build: (g) =>
        g.concat(
          parts.map(({ shape }, i) => g.input(`x${i}`, shape)),
          axis,
        ),
    });
    expect([...output]).toEqual(joined(parts, axis, Math.max(...shapes.map((s) => s[0]))));
  });

  it('concat takes a learned token and f32 latents', async () => {
    const [token, latents, x] = [ramp(8), randomStored(3 * 2 * 8, 1, dtype), ramp(3 * 4 * 8, 300)];
    const { output } = await runOp({
      dtype,
      inputs: { latents, x },
      weights: { token },
      build: (g) =>
        g.concat([g.input('x', [3, 4, 8]), g.copyWeight([1, 1, 8], 'token'), g.input('latents', [3, 2, 8], 'f32')], 1),
    });
    const parts = [
      { shape: [3, 4, 8], data: x },
      { shape: [1, 1, 8], data: token },
      { shape: [3, 2, 8], data: latents },
    ];
    expect([...output]).toEqual(joined(parts, 1, 3));
  });

  it.each([
    ['channels', [2, 3, 16], 2, 8, 4],
    ['channels, ragged', [2, 5, 7], 2, 3, 2],
    ['positions', [3, 9, 8], 1, 2, 5],
    ['batch', [4, 3, 2], 0, 1, 2],
    ['the last axis, named from the end', [2, 2, 6], -1, 0, 3],
  ] as const)('slice of %s', async (_, shape, axis, start, length) => {
    const x = ramp(size(shape));
    const { output } = await runOp({
      dtype,
      inputs: { x },
      build: (g) => g.slice(g.input('x', shape), axis, start, length),
    });
    const at = axis < 0 ? shape.length + axis : axis;
    const inner = size(shape.slice(at + 1));
    const inRange = (i: number) => {
      const position = Math.floor(i / inner) % shape[at]!;
      return position >= start && position < start + length;
    };
    expect([...output]).toEqual([...x].filter((_v, i) => inRange(i)));
  });

  it.each([[[2, 8, 12]], [[3, 4, 4]], [[2, 5, 8]], [[2, 3, 7]], [[1, 1, 9]]] as const)(
    'transpose of %s',
    async (shape) => {
      const x = ramp(size(shape));
      const { output } = await runOp({ dtype, inputs: { x }, build: (g) => g.transpose(g.input('x', shape)) });
      const [, m, n] = shape;
      const expected = Array.from(x, (_v, i) => {
        const [image, column, row] = [Math.floor(i / (m * n)), Math.floor(i / m) % n, i % m];
        return x[image * m * n + row * n + column]!;
      });
      expect([...output]).toEqual(expected);
    },
  );

  it.each([
    [[2, 3, 4], 2],
    [[3, 5], 3],
    [[1, 1], 5],
  ] as const)('repeats the batch %s, %i times, out of f32', async (shape, times) => {
    const x = randomStored(size(shape), 2, 'f32');
    const { output } = await runOp({
      dtype,
      inputs: { x },
      build: (g) => g.repeatBatch(g.input('x', shape, 'f32'), times),
    });
    const once = [...stored(x, dtype)];
    expect([...output]).toEqual(Array.from({ length: times }, () => once).flat());
  });

  it('repeats a learned token over the batch, and converts activations to f32', async () => {
    const token = ramp(6);
    const { output, states } = await runOp({
      dtype,
      inputs: {},
      weights: { token },
      states: ['wide'],
      build: (g) => {
        const tokens = g.repeatBatch(g.copyWeight([1, 6], 'token'), 3);
        g.output('wide', g.repeatBatch(tokens, 1, 'f32'));
        return tokens;
      },
    });
    expect([...output]).toEqual([...token, ...token, ...token]);
    expect([...states.wide!]).toEqual([...output]);
  });
});

describe('work beyond one row of the grid', () => {
  it('reaches every element of 17 million', async () => {
    const x = ramp(1031);
    const times = 16500;
    const { output } = await runOp({ inputs: { x }, build: (g) => g.repeatBatch(g.input('x', [1, 1031]), times) });
    let wrong = 0;
    for (let i = 0; i < output.length; i++) if (output[i] !== x[i % 1031]) wrong++;
    expect([output.length, wrong]).toEqual([1031 * times, 0]);
  });
});

describe('pixels', () => {
  it('packs [−1, 1] as numpy rounds, halves to even, and clamps the rest', async () => {
    const values = [-1, 1, 0, -3, 7, 0.5, -0.5, 0.00392157, -0.99607843, 0.3333333, 1.0001, -1.0001];
    const x = Float32Array.from({ length: 3 * 7 * 11 }, (_, i) => values[i] ?? Math.sin(i));
    const { words } = await runOp({ inputs: { x }, build: (g) => g.toRgba8(g.input('x', [1, 7, 11, 3], 'f32')) });
    const level = (v: number) => {
      const f = Math.fround;
      const scaled = f(255 * Math.min(Math.max(f(f(v * 0.5) + 0.5), 0), 1));
      const floor = Math.floor(scaled);
      return scaled - floor === 0.5 ? floor + (floor & 1) : Math.round(scaled);
    };
    const bytes = new Uint8Array(words.buffer, words.byteOffset, 4 * 77);
    expect([...bytes]).toEqual(
      Array.from({ length: 77 }, (_, i) => [level(x[3 * i]!), level(x[3 * i + 1]!), level(x[3 * i + 2]!), 255]).flat(),
    );
  });
});

describe('operands that do not fit', () => {
  const g = new GraphBuilder('test', { dtype: 'f32' });
  const x = g.input('x', [2, 3, 8]);

  it.each([
    ['concat', () => g.concat([x, g.input('y', [2, 4, 8])], 2)],
    ['concat', () => g.concat([x, g.input('z', [3, 3, 8])], 2)],
    ['concat', () => g.concat([], 0)],
    ['concat', () => g.concat([x], 3)],
    ['slice', () => g.slice(x, 1, 2, 2)],
    ['slice', () => g.slice(x, 1, 0, 0)],
    ['slice', () => g.slice(x, 4, 0, 1)],
    ['transpose', () => g.transpose(g.input('flat', [2, 3]))],
    ['repeatBatch', () => g.repeatBatch(x, 0)],
    ['toRgba8', () => g.toRgba8(g.input('rgba', [1, 2, 2, 4]))],
  ])('%s refuses them', (op, build) => {
    expect(build).toThrow(expect.objectContaining({ code: 'GRAPH_INVALID', message: expect.stringContaining(op) }));
  });
});

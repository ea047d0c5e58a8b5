import { describe, expect, it } from 'vitest';
import { GraphBuilder } from '../../src/ts/graph/builder.js';
import { runOp } from '../support/op-harness.js';
import { randomStored } from '../support/rounding.js';
import { size } from '../support/shapes.js';
import { expectWithin } from '../support/within.js';

interface KeepCase {
  readonly shape: readonly number[];
  /** (a, b, c, d) an image. */
  readonly records: readonly (readonly [number, number, number, number])[];
}

/** Runs the op on random operands, and the mixture in f64 beside it. */
async function run({ shape, records }: KeepCase) {
  const [latents, known, noise] = [1, 2, 3].map((seed) => randomStored(size(shape), seed, 'f32')) as Float32Array[];
  const perImage = size(shape.slice(1));
  // Where no noise is asked for, none may be read.
  records.forEach(([, b, , d], k) => {
    if (b === 0 && d === 0) noise!.fill(Number.NaN, k * perImage, (k + 1) * perImage);
  });
  const positions = shape.slice(0, -1);
  const weights = randomStored(size(positions), 4, 'f32').map((v, i) =>
    i % 3 === 0 ? 1 : i % 3 === 1 ? 0 : Math.abs(v) % 1,
  );
  const { states } = await runOp({
    inputs: { latents: latents!, known: known!, weights, noise: noise!, records: Float32Array.from(records.flat()) },
    states: ['latents'],
    build(g) {
      const [x, k, z] = ['latents', 'known', 'noise'].map((name) => g.input(name, shape, 'f32'));
      const w = g.input('weights', positions, 'f32');
      g.keepKnown(x!, k!, w, z!, g.input('records', [records.length, 4], 'f32'));
      return undefined;
    },
  });
  const channels = shape.at(-1)!;
  const expected = Float64Array.from(latents!, (x, i) => {
    const [a, b, c, d] = records[Math.floor(i / perImage)]!;
    const w = weights[Math.floor(i / channels)]!;
    const z = b === 0 && d === 0 ? 0 : noise![i]!;
    return w * (a * known![i]! + b * z) + (1 - w) * (c * x + d * z);
  });
  return { result: states.latents!, expected, weights, latents: latents!, known: known! };
}

describe('keepKnown', () => {
  it.each<[string, KeepCase]>([
    [
      'one level an image',
      {
        shape: [3, 5, 7, 3],
        records: [
          [0.6, 0.8, 1, 0],
          [0.1, 0.99, 0.5, 0.86],
          [1, 0, 1, 0],
        ],
      },
    ],
    [
      'vec4s',
      {
        shape: [2, 9, 5, 4],
        records: [
          [0.3, 0.95, 0.7, 0.71],
          [0.9, 0.43, 1, 0],
        ],
      },
    ],
    ['more than one grid row of work', { shape: [1, 300, 260, 3], records: [[0.5, 0.87, 0.9, 0.43]] }],
  ])('%s', async (_, given) => {
    const { result, expected } = await run(given);
    expectWithin('keepKnown', 'f32', result, expected);
  });

  it('copies exactly at the last level: what is known, and the sample elsewhere', async () => {
    const { result, weights, latents, known } = await run({ shape: [1, 16, 16, 3], records: [[1, 0, 1, 0]] });
    const whole = [...result.keys()].filter((i) => weights[Math.floor(i / 3)]! % 1 === 0);
    expect(whole.length).toBeGreaterThan(400);
    expect(whole.map((i) => result[i])).toEqual(
      whole.map((i) => (weights[Math.floor(i / 3)] === 1 ? known : latents)[i]),
    );
  });

  const g = new GraphBuilder('test', { dtype: 'f32' });
  const [x, k, z] = ['x', 'k', 'z'].map((name) => g.input(name, [2, 4, 3], 'f32'));
  const [w, r] = [g.input('w', [2, 4], 'f32'), g.input('r', [2, 4], 'f32')];
  it.each([
    ['known of another shape', () => g.keepKnown(x!, g.input('k2', [2, 5, 3], 'f32'), w, z!, r)],
    ['a weight a channel', () => g.keepKnown(x!, k!, z!, z!, r)],
    ['records of 3', () => g.keepKnown(x!, k!, w, z!, g.input('r2', [2, 3], 'f32'))],
    ['f16 noise', () => g.keepKnown(x!, k!, w, g.input('z2', [2, 4, 3], 'f16'), r)],
  ])('refuses %s', (_, build) => {
    expect(build).toThrow(expect.objectContaining({ code: 'GRAPH_INVALID' }));
  });
});

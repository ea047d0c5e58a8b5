import { addon } from '../../native/addon.js';
import { lastDim, positionsOf, rowsOf } from '../../ops/lowering.js';
import { pick, type Reference } from './sample.js';

/** Groups of images, and rows, that are checked whole. */
const MOST = { groups: 6, rows: 64 };

export const groupNorm: Reference = ({ call, values }) => {
  const x = call.inputs[0]!;
  const [channels, length, groups] = [lastDim(x), positionsOf(x), call.attrs.groups as number];
  const width = channels / groups;
  const [xs, gamma, beta] = [values(0), values(1), values(2)];
  const scaleShift = call.inputs[3] == null ? undefined : values(3);
  const indices: number[] = [];
  const expected: number[] = [];
  for (const pair of pick(x.shape[0]! * groups, MOST.groups)) {
    const [image, first] = [Math.floor(pair / groups), (pair % groups) * width];
    const at = (i: number): number => (image * length + Math.floor(i / width)) * channels + first + (i % width);
    const group = Float64Array.from({ length: length * width }, (_, i) => xs[at(i)]!);
    const eps = call.attrs.eps as number;
    const sizes = { batch: 1, length, channels: width, groups: 1, eps };
    const own = (v: ArrayLike<number>): Float64Array => Float64Array.from({ length: width }, (_, c) => v[first + c]!);
    const normal = addon().groupNorm(group, own(gamma), own(beta), sizes);
    const mapped = normal.map((v, i) => {
      if (scaleShift === undefined) return v;
      const c = first + (i % width);
      return v * (1 + scaleShift[image * 2 * channels + c]!) + scaleShift[(image * 2 + 1) * channels + c]!;
    });
    const result = call.attrs.act === 'silu' ? addon().silu(mapped) : mapped;
    for (const i of pick(result.length, 2048)) {
      indices.push(at(i));
      expected.push(result[i]!);
    }
  }
  return { indices, expected: Float64Array.from(expected) };
};

/** Rows `rows` of a matrix, one after the other. */
function rowsFrom(x: ArrayLike<number>, columns: number, rows: readonly number[]): Float64Array {
  return Float64Array.from(
    { length: rows.length * columns },
    (_, i) => x[rows[Math.floor(i / columns)]! * columns + (i % columns)]!,
  );
}

export const layerNorm: Reference = ({ call, values }) => {
  const x = call.inputs[0]!;
  const channels = lastDim(x);
  const rows = pick(rowsOf(x), MOST.rows);
  const vector = (position: number): Float64Array => Float64Array.from(values(position).subarray(0, channels));
  const beta = call.inputs[2] == null ? null : vector(2);
  const sizes = { rows: rows.length, channels, eps: call.attrs.eps as number };
  const expected = addon().layerNorm(rowsFrom(values(0), channels, rows), vector(1), beta, sizes);
  return {
    indices: Array.from(expected, (_, i) => rows[Math.floor(i / channels)]! * channels + (i % channels)),
    expected,
  };
};

export const softmax: Reference = ({ call, values }) => {
  const x = call.inputs[0]!;
  const columns = lastDim(x);
  const rows = pick(rowsOf(x), MOST.rows);
  const scaled = rowsFrom(values(0), columns, rows).map((v) => v * (call.attrs.scale as number));
  const expected = addon().softmax(scaled, { rows: rows.length, columns });
  return {
    indices: Array.from(expected, (_, i) => rows[Math.floor(i / columns)]! * columns + (i % columns)),
    expected,
  };
};

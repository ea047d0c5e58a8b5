import { elementCount } from '../../graph/types.js';
import { addon } from '../../native/addon.js';
import type { Activation } from '../../ops/activations.js';
import { lastDim, rowsOf } from '../../ops/lowering.js';
import { matmulOf } from '../../ops/matmul/matmul-call.js';
import type { OpCall } from '../../ops/types.js';
import { pick, type Reference } from './sample.js';

/** Rows and columns of a result that are checked: every row with every column. */
const MOST = 64;

/** Columns `columns` of a packed matrix [K, ldw], one after the other: [columns, K]. */
function columnsOf(w: ArrayLike<number>, k: number, ldw: number, columns: readonly number[]): Float64Array {
  const out = new Float64Array(columns.length * k);
  columns.forEach((c, j) => {
    for (let i = 0; i < k; i++) out[j * k + i] = w[i * ldw + c]!;
  });
  return out;
}

const activated = (values: Float64Array, act: unknown): Float64Array =>
  act === undefined || act === 'none' ? values : addon()[act as Exclude<Activation, 'none'>](values);

/** The whole result on `rows` × `columns`: product, bias, activation, residual. */
function epilogue(
  call: OpCall,
  product: Float64Array,
  rows: readonly number[],
  columns: readonly number[],
  added: { before?: (row: number, column: number) => number; after?: (row: number, column: number) => number },
) {
  const n = lastDim(call.outputs[0]!);
  const at = (i: number): [number, number] => [rows[Math.floor(i / columns.length)]!, columns[i % columns.length]!];
  const sums = product.map((v, i) => v + (added.before?.(...at(i)) ?? 0));
  const expected = activated(sums, call.attrs.act).map((v, i) => v + (added.after?.(...at(i)) ?? 0));
  return { indices: rows.flatMap((r) => columns.map((c) => r * n + c)), expected };
}

export const linear: Reference = ({ call, values }) => {
  const [x, w, bias, residual] = call.inputs;
  const [m, k, n] = [rowsOf(x!), lastDim(x!), lastDim(call.outputs[0]!)];
  const [rows, columns] = [pick(m, MOST), pick(n, MOST)];
  const xs = values(0);
  const left = Float64Array.from({ length: rows.length * k }, (_, i) => xs[rows[Math.floor(i / k)]! * k + (i % k)]!);
  const right = columnsOf(values(1), k, lastDim(w!), columns);
  const product = addon().linear(left, right, null, { m: rows.length, n: columns.length, k });
  const [b, r] = [bias == null ? undefined : values(2), residual == null ? undefined : values(3)];
  return epilogue(call, product, rows, columns, {
    before: b && ((_, column) => b[column]!),
    after: r && ((row, column) => r[row * n + column]!),
  });
};

export const matmul: Reference = ({ call, values }) => {
  const { batch, m, k, n, strideB, transposeA, transposeB, scale } = matmulOf(call);
  const [a, b] = [values(0), values(1)];
  const [rows, columns] = [pick(m, MOST), pick(n, MOST)];
  const indices: number[] = [];
  const expected: number[] = [];
  for (const matrix of pick(batch, 4)) {
    const left = new Float64Array(rows.length * k);
    const right = new Float64Array(columns.length * k);
    rows.forEach((row, i) => {
      for (let j = 0; j < k; j++)
        left[i * k + j] = scale * a[matrix * m * k + (transposeA ? j * m + row : row * k + j)]!;
    });
    columns.forEach((column, i) => {
      for (let j = 0; j < k; j++)
        right[i * k + j] = b[matrix * strideB + (transposeB ? column * k + j : j * n + column)]!;
    });
    expected.push(...addon().linear(left, right, null, { m: rows.length, n: columns.length, k }));
    for (const row of rows) for (const column of columns) indices.push((matrix * m + row) * n + column);
  }
  return { indices, expected: Float64Array.from(expected) };
};

/** As a product: the patches under some output pixels × some output channels. */
export const conv2d: Reference = ({ call, values }) => {
  const [x, w, bias, imageBias, residual] = call.inputs;
  const { kernel, stride, pad, upsample, residualUpsample } = call.attrs as Record<string, number | boolean>;
  const [, height, width, channels] = x!.shape as [number, number, number, number];
  const [batch, outHeight, outWidth, n] = call.outputs[0]!.shape as [number, number, number, number];
  const size = kernel as number;
  const up = upsample as number;
  const k = size * size * channels;
  const pixels = pick(batch * outHeight * outWidth, MOST);
  const columns = pick(n, MOST);
  const xs = values(0);
  const patches = new Float64Array(pixels.length * k);
  const place = (pixel: number) => ({
    image: Math.floor(pixel / (outHeight * outWidth)),
    y: Math.floor(pixel / outWidth) % outHeight,
    x: pixel % outWidth,
  });
  pixels.forEach((pixel, i) => {
    const p = place(pixel);
    for (let tap = 0; tap < size * size; tap++) {
      const y = p.y * (stride as number) + Math.floor(tap / size) - (pad as number);
      const column = p.x * (stride as number) + (tap % size) - (pad as number);
      if (y < 0 || column < 0 || y >= height * up || column >= width * up) continue;
      const from = ((p.image * height + Math.floor(y / up)) * width + Math.floor(column / up)) * channels;
      for (let c = 0; c < channels; c++) patches[i * k + tap * channels + c] = xs[from + c]!;
    }
  });
  const right = columnsOf(values(1), k, lastDim(w!), columns);
  const product = addon().linear(patches, right, null, { m: pixels.length, n: columns.length, k });
  const b = bias == null ? undefined : values(2);
  const ib = imageBias == null ? undefined : values(3);
  const ibRow = imageBias == null ? 0 : elementCount(imageBias.shape) / batch;
  const r = residual == null ? undefined : values(4);
  const half = residualUpsample ? 2 : 1;
  return epilogue(call, product, pixels, columns, {
    before: (pixel, c) => (b?.[c] ?? 0) + (ib?.[place(pixel).image * ibRow + c] ?? 0),
    after:
      r &&
      ((pixel, c) => {
        const p = place(pixel);
        const row = (p.image * outHeight) / half + Math.floor(p.y / half);
        return r[((row * outWidth) / half + Math.floor(p.x / half)) * n + c]!;
      }),
  });
};

import type { Sliced } from '../util/sliced.js';
import type { Picture } from './picture.js';

/** Fraction bits of Pillow's 8-bit resampling weights: 32 - 8 - 2. */
const PRECISION_BITS = 22;

/** Cubic convolution kernel with a = -0.5, zero beyond 2 (Keys 1981; Pillow's `bicubic_filter`). */
function cubic(x: number): number {
  const a = -0.5;
  const t = Math.abs(x);
  if (t < 1) return ((a + 2) * t - (a + 3)) * t * t + 1;
  if (t < 2) return (((t - 5) * t + 8) * t - 4) * a;
  return 0;
}

/** A kernel and how far it reaches, in pixels. */
interface Filter {
  readonly support: number;
  weight(x: number): number;
}

const BICUBIC: Filter = { support: 2, weight: cubic };

const sinc = (x: number): number => (x === 0 ? 1 : Math.sin(x * Math.PI) / (x * Math.PI));

/** Sinc within a wider sinc; Pillow's `lanczos_filter`. */
const LANCZOS: Filter = { support: 3, weight: (x) => (-3 <= x && x < 3 ? sinc(x) * sinc(x / 3) : 0) };

/** Which inputs each output reads, and with what 22-bit weights. */
interface Weights {
  /** [size]: first input of each output. */
  start: Int32Array;
  /** [size]: number of inputs of each output. */
  count: Int32Array;
  /** [size, stride]: weights, scaled by 2^22. */
  weight: Int32Array;
  stride: number;
  inSize: number;
}

/** Pillow's `precompute_coeffs` and `normalize_coeffs_8bpc` (src/libImaging/Resample.c) for a whole axis. */
function axisWeights(inSize: number, outSize: number, filter: Filter): Weights {
  const scale = inSize / outSize;
  // Shrinking widens the kernel, which is the antialiasing; enlarging keeps its width.
  const filterScale = Math.max(scale, 1);
  const support = filter.support * filterScale;
  const stride = Math.ceil(support) * 2 + 1;
  const start = new Int32Array(outSize);
  const count = new Int32Array(outSize);
  const weight = new Int32Array(outSize * stride);
  const row = new Float64Array(stride);
  for (let out = 0; out < outSize; out++) {
    const center = (out + 0.5) * scale;
    const from = Math.max(Math.trunc(center - support + 0.5), 0);
    const to = Math.min(Math.trunc(center + support + 0.5), inSize);
    let sum = 0;
    for (let i = 0; i < to - from; i++) {
      row[i] = filter.weight((i + from - center + 0.5) * (1 / filterScale));
      sum += row[i]!;
    }
    for (let i = 0; i < to - from; i++) {
      const normal = (sum !== 0 ? row[i]! / sum : row[i]!) * (1 << PRECISION_BITS);
      weight[out * stride + i] = Math.trunc(normal < 0 ? normal - 0.5 : normal + 0.5);
    }
    start[out] = from;
    count[out] = to - from;
  }
  return { start, count, weight, stride, inSize };
}

/** Sum of weighted bytes to a byte; the sum already holds the half that rounds. */
const clip8 = (sum: number): number => Math.min(Math.max(sum >> PRECISION_BITS, 0), 255);

const HALF = 1 << (PRECISION_BITS - 1);

/**
 * Pillow's `Image.resize(..., BICUBIC)` of an 8-bit picture, to the bit: two passes (rows, then columns) in 22-bit fixed
 * point with rounding to bytes between them, antialiased when shrinking. Alpha, if any, is resampled as a fourth colour.
 * @param width, height new sides, pixels, at least 1
 */
export const resizeBicubic = (picture: Picture, width: number, height: number): Sliced<Picture> =>
  resize(picture, width, height, BICUBIC);

/** Pillow's `Image.resize(..., LANCZOS)`, otherwise as {@link resizeBicubic}. */
export const resizeLanczos = (picture: Picture, width: number, height: number): Sliced<Picture> =>
  resize(picture, width, height, LANCZOS);

function* resize(picture: Picture, width: number, height: number, filter: Filter): Sliced<Picture> {
  const { channels } = picture;
  let { data } = picture;
  if (width !== picture.width)
    data = yield* resizeRows(data, picture.height, channels, axisWeights(picture.width, width, filter));
  if (height !== picture.height)
    data = yield* resizeColumns(data, width * channels, axisWeights(picture.height, height, filter));
  return { width, height, channels, data };
}

function* resizeRows(data: Uint8Array, height: number, channels: number, axis: Weights): Sliced<Uint8Array> {
  const { start, count, weight, stride, inSize: inWidth } = axis;
  const width = start.length;
  const result = new Uint8Array(width * height * channels);
  for (let y = 0; y < height; y++) {
    for (let x = 0; x < width; x++) {
      for (let c = 0; c < channels; c++) {
        let at = (y * inWidth + start[x]!) * channels + c;
        let sum = HALF;
        for (let i = 0; i < count[x]!; i++, at += channels) sum += data[at]! * weight[x * stride + i]!;
        result[(y * width + x) * channels + c] = clip8(sum);
      }
    }
    yield;
  }
  return result;
}

function* resizeColumns(data: Uint8Array, rowBytes: number, axis: Weights): Sliced<Uint8Array> {
  const { start, count, weight, stride } = axis;
  const height = start.length;
  const result = new Uint8Array(rowBytes * height);
  for (let y = 0; y < height; y++) {
    for (let x = 0; x < rowBytes; x++) {
      let at = start[y]! * rowBytes + x;
      let sum = HALF;
      for (let i = 0; i < count[y]!; i++, at += rowBytes) sum += data[at]! * weight[y * stride + i]!;
      result[y * rowBytes + x] = clip8(sum);
    }
    yield;
  }
  return result;
}

import type { GraphBuilder, T } from '../../graph/builder.js';
import type { Activation } from '../../ops/activations.js';
import { type BenchCase, casesOf, input } from './case.js';

interface Extras {
  readonly act?: Exclude<Activation, 'none'>;
  readonly residual?: boolean;
}

/** x[rows, K] · w[K, N] + bias, then what fuses. */
const linear =
  (rows: number, k: number, n: number, o: Extras = {}) =>
  (g: GraphBuilder): T => {
    let y = g.linear(input(g, [1, rows, k]), g.linearWeight(k, [n], ['w']), g.vectorWeight([n], ['bias']), n);
    if (o.act !== undefined) y = g.activation(y, o.act);
    return o.residual ? g.add(y, input(g, [1, rows, n], 'residual')) : y;
  };

const square = (n: number): Record<string, (g: GraphBuilder) => T> => ({ [`${n}x${n}x${n}`]: linear(n, n, n) });

interface MatmulOptions {
  readonly transposeA?: boolean;
  readonly transposeB?: boolean;
  readonly sharedB?: boolean;
}

const matmul =
  (batch: number, m: number, k: number, n: number, o: MatmulOptions = {}) =>
  (g: GraphBuilder): T => {
    const a = input(g, o.transposeA ? [batch, k, m] : [batch, m, k], 'a');
    const matrix = o.transposeB ? [n, k] : [k, n];
    return g.matmul(a, input(g, o.sharedB ? [1, ...matrix] : [batch, ...matrix], 'b'), o);
  };

interface Conv {
  readonly kernel: number;
  readonly stride?: number;
  readonly upsample?: boolean;
  readonly residual?: boolean;
}

/** Same-size convolution of [1, size, size, inChannels] with bias; the input is first enlarged 2× where asked. */
const conv =
  (size: number, inChannels: number, outChannels: number, o: Conv) =>
  (g: GraphBuilder): T => {
    const { kernel, stride = 1 } = o;
    const small = input(g, [1, size, size, inChannels]);
    const x = o.upsample ? g.upsampleNearest2x(small) : small;
    const w = g.convWeight(inChannels, outChannels, kernel, 'w');
    const bias = g.vectorWeight([outChannels], ['bias']);
    const y = g.conv2d(x, w, bias, { outChannels, kernel, stride, pad: kernel >> 1 });
    return o.residual ? g.add(y, input(g, y.shape, 'residual')) : y;
  };

/** Linear layers and products of activations: `rows x K x N`. */
export const products: readonly BenchCase[] = [
  ...casesOf(
    'linear',
    {
      '1x256x512': linear(1, 256, 512),
      '64x160x480': linear(64, 160, 480),
      '77x128x384': linear(77, 128, 384),
      '128x128x512-gelu': linear(128, 128, 512, { act: 'gelu' }),
      '128x512x128-residual': linear(128, 512, 128, { residual: true }),
      '1024x96x288': linear(1024, 96, 288),
      ...square(256),
      ...square(512),
    },
    {
      ...square(1024),
      ...square(2048),
      ...square(4096),
      ...square(8192),
      '1x2048x8192': linear(1, 2048, 8192),
      '162x2048x8192-gelu': linear(162, 2048, 8192, { act: 'gelu' }),
      '162x8192x2048-residual': linear(162, 8192, 2048, { residual: true }),
      '2048x640x1920': linear(2048, 640, 1920),
      '512x960x2880': linear(512, 960, 2880),
    },
  ),
  ...casesOf(
    'matmul',
    {
      '4x77x64x77-bT': matmul(4, 77, 64, 77, { transposeB: true }),
      '8x128x128x128': matmul(8, 128, 128, 128),
      '8x128x128x128-aT': matmul(8, 128, 128, 128, { transposeA: true }),
      '8x128x128x128-bT': matmul(8, 128, 128, 128, { transposeB: true }),
      '8x128x128x128-sharedB': matmul(8, 128, 128, 128, { sharedB: true }),
      '1x512x512x512': matmul(1, 512, 512, 512),
    },
    {
      '16x1024x64x1024-bT': matmul(16, 1024, 64, 1024, { transposeB: true }),
      '16x1024x1024x64': matmul(16, 1024, 1024, 64),
      '1x4096x4096x4096': matmul(1, 4096, 4096, 4096),
      '1x4096x4096x4096-bT': matmul(1, 4096, 4096, 4096, { transposeB: true }),
    },
  ),
  ...casesOf(
    'conv2d',
    {
      '3x3/8x8x160x160': conv(8, 160, 160, { kernel: 3 }),
      '3x3/16x16x96x96': conv(16, 96, 96, { kernel: 3 }),
      '3x3/16x16x96x96-residual': conv(16, 96, 96, { kernel: 3, residual: true }),
      '3x3/32x32x32x32': conv(32, 32, 32, { kernel: 3 }),
      '3x3/64x64x16x16': conv(64, 16, 16, { kernel: 3 }),
      '3x3/128x128x8x8': conv(128, 8, 8, { kernel: 3 }),
      '3x3-stride2/32x32x32x64': conv(32, 32, 64, { kernel: 3, stride: 2 }),
      '3x3-upsample2/16x16x32x32': conv(16, 32, 32, { kernel: 3, upsample: true }),
      '1x1/16x16x192x96': conv(16, 192, 96, { kernel: 1 }),
      '1x1/64x64x32x16': conv(64, 32, 16, { kernel: 1 }),
    },
    {
      '3x3/64x64x320x320': conv(64, 320, 320, { kernel: 3 }),
      '3x3/32x32x640x640': conv(32, 640, 640, { kernel: 3 }),
      '3x3/16x16x960x960': conv(16, 960, 960, { kernel: 3 }),
      '3x3/8x8x1280x1280': conv(8, 1280, 1280, { kernel: 3 }),
      '3x3/256x256x320x320': conv(256, 320, 320, { kernel: 3 }),
      '3x3-stride2/64x64x320x320': conv(64, 320, 320, { kernel: 3, stride: 2 }),
      '3x3-upsample2/32x32x640x640': conv(32, 640, 640, { kernel: 3, upsample: true }),
      '1x1/64x64x640x320': conv(64, 640, 320, { kernel: 1 }),
      '1x1/16x16x1920x960': conv(16, 1920, 960, { kernel: 1 }),
    },
  ),
];

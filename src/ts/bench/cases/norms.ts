import type { GraphBuilder, T } from '../../graph/builder.js';
import { type BenchCase, casesOf, input } from './case.js';

const group =
  (size: number, channels: number, groups: number, o: { silu?: boolean; scaleShift?: boolean } = {}) =>
  (g: GraphBuilder): T => {
    const [gamma, beta] = [g.vectorWeight([channels], ['gamma']), g.vectorWeight([channels], ['beta'])];
    let y = g.groupNorm(input(g, [1, size, size, channels]), gamma, beta, groups, 1e-5);
    if (o.scaleShift) y = g.scaleShift(y, input(g, [1, 2 * channels], 'embedding'));
    return o.silu ? g.activation(y, 'silu') : y;
  };

const layer =
  (rows: number, channels: number) =>
  (g: GraphBuilder): T =>
    g.layerNorm(
      input(g, [1, rows, channels]),
      g.vectorWeight([channels], ['gamma']),
      g.vectorWeight([channels], ['beta']),
      1e-5,
    );

const softmax =
  (rows: number, columns: number) =>
  (g: GraphBuilder): T =>
    g.softmax(input(g, [1, rows, columns]), 0.125);

export const norms: readonly BenchCase[] = [
  ...casesOf(
    'groupNorm',
    {
      '32x32x128-g32': group(32, 128, 32),
      '16x16x96-g8-silu': group(16, 96, 8, { silu: true }),
      '16x16x96-g8-scaleShift-silu': group(16, 96, 8, { silu: true, scaleShift: true }),
      '64x64x16-g8-silu': group(64, 16, 8, { silu: true }),
      '256x256x8-g8-silu': group(256, 8, 8, { silu: true }),
    },
    {
      '64x64x320-g32-silu': group(64, 320, 32, { silu: true }),
      '64x64x320-g32-scaleShift-silu': group(64, 320, 32, { silu: true, scaleShift: true }),
      '8x8x1280-g32-silu': group(8, 1280, 32, { silu: true }),
      '256x256x320-g32-silu': group(256, 320, 32, { silu: true }),
    },
  ),
  ...casesOf(
    'layerNorm',
    { '81x128': layer(81, 128), '1024x640': layer(1024, 640) },
    { '162x2048': layer(162, 2048), '8192x1280': layer(8192, 1280), '16384x2048': layer(16384, 2048) },
  ),
  ...casesOf(
    'softmax',
    { '512x77': softmax(512, 77), '1024x1024': softmax(1024, 1024) },
    { '8192x1024': softmax(8192, 1024), '16384x4096': softmax(16384, 4096) },
  ),
];

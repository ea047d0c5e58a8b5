import type { GraphBuilder, T } from '../../graph/builder.js';
import { SAMPLE_SETTINGS } from '../../ops/sampling/sample-categorical.js';
import { type BenchCase, casesOf, input } from './case.js';

/** Rows × channels of the bandwidth-bound cases: within a CPU's cache or a little beyond, and beyond any GPU's. */
const SMALL = [1, 1024, 640] as const;
const LARGE = [1, 16384, 2048] as const;

type Build = (g: GraphBuilder, shape: readonly number[]) => T;

/** One case of either size, named by its shape and what else there is to say. */
function both(op: string, build: Build, suffix = ''): BenchCase[] {
  const at = (shape: readonly number[]) => ({
    [`${shape.slice(1).join('x')}${suffix}`]: (g: GraphBuilder) => build(g, shape),
  });
  return casesOf(op, at(SMALL), at(LARGE));
}

const vector = (g: GraphBuilder, shape: readonly number[], name: string): T => g.vectorWeight([shape.at(-1)!], [name]);

/** A guided draw of one code for each of `images`, out of `categories`; `codes` are in the noise. */
const draw =
  (images: number, categories: number, codes: number) =>
  (g: GraphBuilder): undefined => {
    const rows = 2 * images;
    g.sampleCategorical(input(g, [rows, categories], 'logits'), {
      noise: g.input('noise', [images, codes, categories], 'f32'),
      settings: g.input('settings', [images, SAMPLE_SETTINGS], 'f32'),
      position: g.input('position', [rows], 'u32'),
      codes: g.state('codes', [images, codes], 'u32'),
      tokens: g.state('tokens', [rows, 1], 'u32'),
      first: 0,
    });
  };

export const elements: readonly BenchCase[] = [
  ...both('activation', (g, s) => g.activation(input(g, s), 'silu'), '-silu'),
  ...both('activation', (g, s) => g.activation(input(g, s), 'gelu'), '-gelu'),
  ...both('clamp', (g, s) => g.clamp(input(g, s), -1, 1)),
  ...both('add', (g, s) => g.add(input(g, s, 'a'), input(g, s, 'b'))),
  ...both('add', (g, s) => g.add(input(g, s, 'a'), input(g, [1, s.at(-1)!], 'b')), '-perImage'),
  ...both('add', (g, s) => g.addScaled(input(g, s, 'a'), input(g, s, 'b'), 1 / 64), '-scaled'),
  ...both('scaleShift', (g, s) => g.scaleShift(input(g, s), input(g, [1, 2 * s.at(-1)!], 'embedding'))),
  ...both('affine', (g, s) => g.affine(input(g, s), vector(g, s, 'scale'), vector(g, s, 'shift'))),
  ...both('concat', (g, s) => g.concat([input(g, s, 'a'), input(g, s, 'b')], -1), '-channels'),
  ...both('slice', (g, s) => g.slice(input(g, s), 1, s[1]! / 4, s[1]! / 2), '-positions'),
  ...both('transpose', (g, s) => g.transpose(input(g, s))),
  ...both('repeatBatch', (g, s) => g.repeatBatch(input(g, s), 2), '-times2'),
  ...both('argmax', (g, s) => g.argmax(input(g, s))),
  ...casesOf('gatherRows', {
    '2x77x768': (g) => g.gatherRows(input(g, [2, 77, 768]), g.input('index', [2], 'u32')),
  }),
  ...casesOf('appendRows', {
    '2x1x256-110': (g) =>
      g.appendRows(g.state('cache', [2, 110, 256], g.dtype), input(g, [2, 1, 256]), g.input('position', [2], 'u32')),
  }),
  ...casesOf('sampleCategorical', {
    '64x64-guided': draw(64, 64, 32),
    '64x1024-guided': draw(64, 1024, 8),
  }),
  ...casesOf(
    'embedding',
    {
      '2x77x128': (g) =>
        g.embedding(g.input('ids', [2, 77], 'u32'), g.copyWeight([4096, 128], 'table'), g.copyWeight([77, 128], 'at')),
    },
    {
      '2x77x768': (g) =>
        g.embedding(g.input('ids', [2, 77], 'u32'), g.copyWeight([49408, 768], 'table'), g.copyWeight([77, 768], 'at')),
    },
  ),
];

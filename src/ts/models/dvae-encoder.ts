import { GraphBuilder } from '../graph/builder.js';
import type { Graph } from '../graph/types.js';
import { dvaeConv, dvaeGroups } from './dvae-blocks.js';
import { DVAE_PATCH, type DvaeConfig } from './dvae-config.js';
import type { NetworkOptions } from './layers.js';

export interface DvaeOptions extends NetworkOptions {
  /** Sides of the picture, multiples of 8. */
  readonly height: number;
  readonly width: number;
}

/** Codes of a picture of these sides, by rows and in a row. */
export const dvaeGrid = (o: {
  readonly height: number;
  readonly width: number;
}): { rows: number; columns: number } => ({
  rows: o.height / DVAE_PATCH,
  columns: o.width / DVAE_PATCH,
});

/**
 * dall_e's Encoder and the argmax behind it.
 *
 * Input: `pixels` [B, H, W, 3], mapped to [0.1, 0.9]. Output: `tokens` u32 [B, H/8 · W/8], row by row.
 */
export function dvaeEncoderGraph(config: DvaeConfig, o: DvaeOptions): Graph {
  const g = new GraphBuilder('dvae_encoder', o);
  const { width } = config;
  const pixels = g.input('pixels', [o.batch, o.height, o.width, 3], 'f32');
  const input = o.dtype === 'f32' ? pixels : g.repeatBatch(pixels, 1);
  const blocks = { count: config.encoderBlocks, kernels: [3, 3, 3, 1] };
  let x = g.mark('blocks.input', dvaeConv(g, 'blocks.input', input, width, 7));
  x = dvaeGroups(g, x, [width, 2 * width, 4 * width, 8 * width], blocks, (y) => g.maxPool2x(y));
  const logits = dvaeConv(g, 'blocks.output.conv', g.activation(x, 'relu'), config.vocabulary, 1);
  const { rows, columns } = dvaeGrid(o);
  g.output('tokens', g.reshape(g.argmax(g.mark('blocks.output', logits)), [o.batch, rows * columns]));
  return g.build();
}

import { GraphBuilder, type T } from '../graph/builder.js';
import type { Graph } from '../graph/types.js';
import { lastDim } from '../ops/lowering.js';
import { dvaeConv, dvaeGroups } from './dvae-blocks.js';
import { DVAE_STATS, type DvaeConfig, LAPLACE_EPS } from './dvae-config.js';
import { type DvaeOptions, dvaeGrid } from './dvae-encoder.js';

/**
 * dall_e's Decoder, and the picture that its means are.
 *
 * Input: `tokens` u32 [B, H/8 · W/8]. Outputs: `colours` f32 [B, H, W, 3] in [−1, 1], `pixels` u32 [B, H, W], packed RGBA.
 */
export function dvaeDecoderGraph(config: DvaeConfig, o: DvaeOptions): Graph {
  const g = new GraphBuilder('dvae_decoder', o);
  const { width, first } = config;
  const { rows, columns } = dvaeGrid(o);
  const tokens = g.input('tokens', [o.batch, rows * columns], 'u32');
  const codes = g.reshape(lookUp(g, tokens, config), [o.batch, rows, columns, first]);
  const blocks = { count: config.decoderBlocks, kernels: [1, 3, 3, 3] };
  let x = g.mark('blocks.input', codes);
  x = dvaeGroups(g, x, [8 * width, 4 * width, 2 * width, width], blocks, (y) => g.upsampleNearest2x(y));
  const stats = dvaeConv(g, 'blocks.output.conv', g.activation(x, 'relu'), DVAE_STATS, 1);
  const colours = g.output('colours', g.logitPixels(g.mark('blocks.output', stats), LAPLACE_EPS));
  g.output('pixels', g.toRgba8(colours));
  return g.build();
}

/** The 1×1 convolution over one-hot codes: a row of its transposed weights for each, plus the bias. */
function lookUp(g: GraphBuilder, tokens: T, { vocabulary, first }: DvaeConfig): T {
  const table = g.linearWeight(vocabulary, [first], ['blocks.input.w']);
  const rows = g.embedding(tokens, table, null, 'blocks.input');
  // Packed rows are padded to a multiple of four.
  const own = lastDim(rows) === first ? rows : g.slice(rows, -1, 0, first);
  return g.add(own, g.vectorWeight([first], ['blocks.input.b']), 'blocks.input');
}

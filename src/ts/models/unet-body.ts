import type { T } from '../graph/builder.js';
import { convLayer, groupNormLayer } from './layers.js';
import { downBlock, midBlock, type UNetContext, upBlock } from './unet-blocks.js';
import type { UNetStructure } from './unet-config.js';

/** conv_in, the way down, the middle, the way up, and conv_out: sample [R, H, W, Cin] → [R, H, W, outChannels]. */
export function emitUNetBody(c: UNetContext, s: UNetStructure, sample: T): T {
  const { g } = c;
  const last = s.widths.length - 1;
  let h = g.mark('conv_in', convLayer(g, 'conv_in', sample, s.widths[0]!, 3));
  const skips: T[] = [h];
  s.widths.forEach((channels, i) => {
    const level = { channels, layers: s.layers[i]!, headSize: s.downHeadSize[i]!, resample: i < last };
    const block = downBlock(c, `down_blocks.${i}`, h, level);
    skips.push(...block.skips);
    h = block.out;
  });
  h = midBlock(c, h, s.midHeadSize);
  for (let i = 0; i <= last; i++) {
    const level = {
      channels: s.widths[last - i]!,
      layers: s.layers[last - i]! + 1,
      headSize: s.upHeadSize[i]!,
      resample: i < last,
    };
    h = upBlock(c, `up_blocks.${i}`, h, skips, level);
  }
  const normed = g.mark('conv_norm_out', groupNormLayer(g, 'conv_norm_out', h, c.groups, c.eps));
  return convLayer(g, 'conv_out', g.activation(normed, 'silu', 'conv_act'), s.outChannels, 3);
}

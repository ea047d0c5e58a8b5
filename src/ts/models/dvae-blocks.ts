import type { GraphBuilder, T } from '../graph/builder.js';
import { lastDim } from '../ops/lowering.js';
import { DVAE_GROUPS } from './dvae-config.js';

/** dall_e's Conv2d under `prefix`: weights are called w and b, the size is kept. */
export function dvaeConv(g: GraphBuilder, prefix: string, x: T, outChannels: number, kernel: number): T {
  const w = g.convWeight(lastDim(x), outChannels, kernel, `${prefix}.w`);
  const b = g.vectorWeight([outChannels], [`${prefix}.b`]);
  return g.conv2d(x, w, b, { outChannels, kernel, pad: (kernel - 1) / 2 }, prefix);
}

/** How the blocks of a network are made. */
export interface DvaeBlocks {
  /** Blocks of a group. */
  readonly count: number;
  /** Kernel sizes of a block's four convolutions. */
  readonly kernels: readonly number[];
}

/**
 * EncoderBlock, DecoderBlock: id_path(x) + res_path(x) / layers², res_path four times ReLU and convolution through a quarter of
 * the channels.
 */
function block(g: GraphBuilder, prefix: string, x: T, outChannels: number, { count, kernels }: DvaeBlocks): T {
  const layers = DVAE_GROUPS * count;
  const hidden = outChannels / 4;
  let residual = x;
  kernels.forEach((kernel, i) => {
    const channels = i === kernels.length - 1 ? outChannels : hidden;
    residual = dvaeConv(g, `${prefix}.res_path.conv_${i + 1}`, g.activation(residual, 'relu'), channels, kernel);
  });
  const identity = lastDim(x) === outChannels ? x : dvaeConv(g, `${prefix}.id_path`, x, outChannels, 1);
  return g.mark(prefix, g.addScaled(identity, residual, 1 / layers ** 2, prefix));
}

/**
 * All groups one after the other.
 * @param channels of each group
 * @param between what lies behind every group but the last: the change of size
 */
export function dvaeGroups(
  g: GraphBuilder,
  input: T,
  channels: readonly number[],
  blocks: DvaeBlocks,
  between: (x: T) => T,
): T {
  let x = input;
  channels.forEach((count, group) => {
    const prefix = `blocks.group_${group + 1}`;
    for (let i = 1; i <= blocks.count; i++) x = block(g, `${prefix}.block_${i}`, x, count, blocks);
    if (group < channels.length - 1) x = between(x);
    g.mark(prefix, x);
  });
  return x;
}

import { z } from 'zod';

const count = z.int().min(1);
const widths = z.array(count).min(1);

/** Keys that UNet2DModel and UNet2DConditionModel share. Defaults are diffusers'; the narrowed ones are what is implemented. */
export const unetFields = {
  sample_size: count.nullable().default(null),
  in_channels: count,
  out_channels: count,
  center_input_sample: z.literal(false).default(false),
  flip_sin_to_cos: z.boolean().default(true),
  freq_shift: z.number().default(0),
  block_out_channels: widths,
  mid_block_scale_factor: z.literal(1).default(1),
  act_fn: z.enum(['silu', 'swish']).default('silu'),
  norm_num_groups: count.default(32),
  norm_eps: z.number().positive().default(1e-5),
  resnet_time_scale_shift: z.enum(['default', 'scale_shift']).default('default'),
  time_embedding_type: z.literal('positional').default('positional'),
  time_embedding_dim: count.nullable().default(null),
  num_class_embeds: z.null().default(null),
};

/** Keys without effect on the blocks that are implemented: they pool with a plain mean and drop nothing. */
export const UNET_IGNORED_KEYS = ['downsample_padding', 'dropout'] as const;

interface UNetChecks {
  readonly block_out_channels: readonly number[];
  readonly down_block_types: readonly string[];
  readonly up_block_types: readonly string[];
  readonly norm_num_groups: number;
  readonly sample_size: number | null;
}

/** What is wrong between the keys of a UNet's config, as zod issues. */
export function checkUNet(
  c: UNetChecks,
  context: { addIssue(issue: { code: 'custom'; path: string[]; message: string }): void },
): void {
  const levels = c.block_out_channels.length;
  const issue = (key: string, message: string): void => context.addIssue({ code: 'custom', path: [key], message });
  if (c.down_block_types.length !== levels)
    issue('down_block_types', `must name ${levels} blocks as block_out_channels`);
  if (c.up_block_types.length !== levels) issue('up_block_types', `must name ${levels} blocks as block_out_channels`);
  if (c.block_out_channels.some((n) => n % c.norm_num_groups !== 0))
    issue('norm_num_groups', 'must divide all of block_out_channels');
  if (c.sample_size !== null && c.sample_size % 2 ** (levels - 1) !== 0)
    issue('sample_size', `must be a multiple of ${2 ** (levels - 1)} for ${levels} levels`);
}

/** A UNet as its blocks see it. */
export interface UNetStructure {
  readonly outChannels: number;
  readonly widths: readonly number[];
  /** Resnets of each level on the way down; the way up has one more. */
  readonly layers: readonly number[];
  /** Size of an attention head of each level, null where a block has none. */
  readonly downHeadSize: readonly (number | null)[];
  readonly midHeadSize: number | null;
  /** From the deepest level on. */
  readonly upHeadSize: readonly (number | null)[];
}

import { z } from 'zod';
import type { GraphBuilder, T } from '../graph/builder.js';
import { parseConfig } from './config.js';
import { timeEmbedding } from './layers.js';
import { emitUNetBody } from './unet-body.js';
import { checkUNet, UNET_IGNORED_KEYS, type UNetStructure, unetFields } from './unet-config.js';

const count = z.int().min(1);
const ATTENTION_BLOCKS: readonly string[] = ['SimpleCrossAttnDownBlock2D', 'SimpleCrossAttnUpBlock2D'];

const schema = z
  .strictObject({
    ...unetFields,
    in_channels: unetFields.in_channels.default(4),
    out_channels: unetFields.out_channels.default(4),
    layers_per_block: z.union([count, z.array(count)]).default(2),
    block_out_channels: unetFields.block_out_channels.default([320, 640, 1280, 1280]),
    down_block_types: z.array(z.enum(['ResnetDownsampleBlock2D', 'SimpleCrossAttnDownBlock2D'])),
    mid_block_type: z.literal('UNetMidBlock2DSimpleCrossAttn'),
    up_block_types: z.array(z.enum(['ResnetUpsampleBlock2D', 'SimpleCrossAttnUpBlock2D'])),
    attention_head_dim: z.union([count, z.array(count)]).default(8),
    num_attention_heads: z.null().default(null),
    cross_attention_dim: count.default(1280),
    class_embed_type: z.literal('identity'),
    only_cross_attention: z.literal(false).default(false),
    mid_block_only_cross_attention: z.union([z.null(), z.literal(false)]).default(null),
    cross_attention_norm: z.null().default(null),
    encoder_hid_dim: z.null().default(null),
    encoder_hid_dim_type: z.null().default(null),
    addition_embed_type: z.null().default(null),
    class_embeddings_concat: z.literal(false).default(false),
    resnet_skip_time_act: z.literal(false).default(false),
    resnet_out_scale_factor: z.literal(1).default(1),
    time_embedding_act_fn: z.null().default(null),
    timestep_post_act: z.null().default(null),
    time_cond_proj_dim: z.null().default(null),
    conv_in_kernel: z.literal(3).default(3),
    conv_out_kernel: z.literal(3).default(3),
  })
  .superRefine((c, context) => {
    checkUNet(c, context);
    const issue = (key: string, message: string): void => context.addIssue({ code: 'custom', path: [key], message });
    const levels = c.block_out_channels.length;
    for (const key of ['layers_per_block', 'attention_head_dim'] as const) {
      const value = c[key];
      if (Array.isArray(value) && value.length !== levels)
        issue(key, `must have ${levels} entries as block_out_channels`);
    }
    // The middle block attends at the last level's width.
    const attends = (i: number): boolean =>
      i === levels - 1 || /Attn/.test(`${c.down_block_types[i]} ${c.up_block_types[levels - 1 - i]}`);
    if (c.block_out_channels.some((n, i) => attends(i) && n % perLevel(c.attention_head_dim, i) !== 0))
      issue('attention_head_dim', 'must divide block_out_channels where there is attention');
  });

/** A checked config.json of diffusers' UNet2DConditionModel. */
export type UNet2DConditionConfig = z.infer<typeof schema>;

/** Beside the common ones: keys of embeddings that are absent, of transformer blocks, and of the softmax's precision. */
const IGNORED = [
  ...UNET_IGNORED_KEYS,
  'addition_embed_type_num_heads',
  'addition_time_embed_dim',
  'attention_type',
  'dual_cross_attention',
  'projection_class_embeddings_input_dim',
  'reverse_transformer_layers_per_block',
  'transformer_layers_per_block',
  'upcast_attention',
  'use_linear_projection',
];

/**
 * Checks the parsed JSON of a decoder/config.json.
 * @throws UnclipError MODEL_CONFIG_INVALID naming the key
 */
export const parseUNet2DConditionConfig = (json: unknown, source = 'decoder/config.json'): UNet2DConditionConfig =>
  parseConfig(schema, json, { className: 'UNet2DConditionModel', ignored: IGNORED }, source);

/** Size of the time embedding, which is also that of the class labels. */
export const timeEmbeddingDim = (c: UNet2DConditionConfig): number =>
  c.time_embedding_dim ?? 4 * c.block_out_channels[0]!;

/** One attention over the context. */
export interface AttentionSite {
  /** Its module's path in the checkpoint, e.g. `down_blocks.1.attentions.0`. */
  readonly name: string;
  readonly channels: number;
}

/** Every attention of the network, in execution order. */
export function attentionSites(c: UNet2DConditionConfig): AttentionSite[] {
  const { widths, layers, downHeadSize, upHeadSize } = structureOf(c);
  const last = widths.length - 1;
  const inBlock = (block: string, channels: number, number: number): AttentionSite[] =>
    Array.from({ length: number }, (_, i) => ({ name: `${block}.attentions.${i}`, channels }));
  return [
    ...widths.flatMap((w, i) => inBlock(`down_blocks.${i}`, w, downHeadSize[i] === null ? 0 : layers[i]!)),
    ...inBlock('mid_block', widths[last]!, 1),
    ...upHeadSize.flatMap((h, i) =>
      inBlock(`up_blocks.${i}`, widths[last - i]!, h === null ? 0 : layers[last - i]! + 1),
    ),
  ];
}

export interface UNet2DConditionInputs {
  /** [R, H, W, Cin] in the dtype. */
  readonly sample: T;
  /** The time embedding of every row [R, T], from {@link emitDecoderTime}. */
  readonly time: T;
  /** [R, T], added to the time embedding. */
  readonly classLabels: T;
  /** Keys and values [R, Lc, 2·channels] of the context for an attention, by name. */
  readonly context: (name: string, channels: number) => T;
  /** f32 [R, Lc], added to the scores of the context. */
  readonly mask: T;
}

/** stepParams f32 [B, 16] → time embedding [B, T], before class labels. */
export const emitDecoderTime = (g: GraphBuilder, c: UNet2DConditionConfig, stepParams: T): T =>
  timeEmbedding(g, 'time_embedding', stepParams, {
    sinusoids: c.block_out_channels[0]!,
    hidden: timeEmbeddingDim(c),
    outFeatures: timeEmbeddingDim(c),
    flipSinToCos: c.flip_sin_to_cos,
    freqShift: c.freq_shift,
  });

/** diffusers' UNet2DConditionModel with class_embed_type 'identity' → [R, H, W, Cout]. */
export function emitUNet2DCondition(g: GraphBuilder, c: UNet2DConditionConfig, o: UNet2DConditionInputs): T {
  const emb = g.add(o.time, o.classLabels, 'class_embedding');
  return emitUNetBody(
    {
      g,
      groups: c.norm_num_groups,
      eps: c.norm_eps,
      scaleShift: c.resnet_time_scale_shift === 'scale_shift',
      emb: g.activation(emb, 'silu', 'time_act'),
      context: o.context,
      mask: o.mask,
    },
    structureOf(c),
    o.sample,
  );
}

const perLevel = (value: number | readonly number[], level: number): number =>
  typeof value === 'number' ? value : value[level]!;

function structureOf(c: UNet2DConditionConfig): UNetStructure {
  const last = c.block_out_channels.length - 1;
  const headSize = (type: string, level: number): number | null =>
    ATTENTION_BLOCKS.includes(type) ? perLevel(c.attention_head_dim, level) : null;
  return {
    outChannels: c.out_channels,
    widths: c.block_out_channels,
    layers: c.block_out_channels.map((_, i) => perLevel(c.layers_per_block, i)),
    downHeadSize: c.down_block_types.map(headSize),
    midHeadSize: perLevel(c.attention_head_dim, last),
    upHeadSize: c.up_block_types.map((type, i) => headSize(type, last - i)),
  };
}

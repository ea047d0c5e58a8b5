import { z } from 'zod';
import type { GraphBuilder, T } from '../graph/builder.js';
import { parseConfig } from './config.js';
import { timeEmbedding } from './layers.js';
import { emitUNetBody } from './unet-body.js';
import { checkUNet, UNET_IGNORED_KEYS, unetFields } from './unet-config.js';

const schema = z
  .strictObject({
    ...unetFields,
    in_channels: unetFields.in_channels.default(3),
    out_channels: unetFields.out_channels.default(3),
    layers_per_block: z.int().min(1).default(2),
    down_block_types: z.array(z.literal('ResnetDownsampleBlock2D')),
    mid_block_type: z.literal('UNetMidBlock2D').default('UNetMidBlock2D'),
    up_block_types: z.array(z.literal('ResnetUpsampleBlock2D')),
    downsample_type: z.literal('conv').default('conv'),
    upsample_type: z.literal('conv').default('conv'),
    add_attention: z.literal(false),
    class_embed_type: z.null().default(null),
  })
  .superRefine(checkUNet);

/** A checked config.json of diffusers' UNet2DModel. */
export type UNet2DConfig = z.infer<typeof schema>;

/** Beside the common ones: without attention its heads and norms have no effect, and the schedule is the scheduler's. */
const IGNORED = [...UNET_IGNORED_KEYS, 'attention_head_dim', 'attn_norm_num_groups', 'num_train_timesteps'];

/**
 * Checks the parsed JSON of a super_res_first/config.json or super_res_last/config.json.
 * @throws UnclipError MODEL_CONFIG_INVALID naming the key
 */
export const parseUNet2DConfig = (json: unknown, source = 'super_res_first/config.json'): UNet2DConfig =>
  parseConfig(schema, json, { className: 'UNet2DModel', ignored: IGNORED }, source);

/** diffusers' UNet2DModel: sample [B, H, W, Cin] in the dtype and stepParams f32 [B, 16] → [B, H, W, Cout]. */
export function emitUNet2D(g: GraphBuilder, c: UNet2DConfig, o: { sample: T; stepParams: T }): T {
  const width = c.block_out_channels[0]!;
  const embeddingDim = c.time_embedding_dim ?? 4 * width;
  const time = timeEmbedding(g, 'time_embedding', o.stepParams, {
    sinusoids: width,
    hidden: embeddingDim,
    outFeatures: embeddingDim,
    flipSinToCos: c.flip_sin_to_cos,
    freqShift: c.freq_shift,
  });
  const none = c.block_out_channels.map(() => null);
  return emitUNetBody(
    {
      g,
      groups: c.norm_num_groups,
      eps: c.norm_eps,
      scaleShift: c.resnet_time_scale_shift === 'scale_shift',
      emb: g.activation(time, 'silu', 'time_act'),
      context: null,
      mask: null,
    },
    {
      outChannels: c.out_channels,
      widths: c.block_out_channels,
      layers: c.block_out_channels.map(() => c.layers_per_block),
      downHeadSize: none,
      midHeadSize: null,
      upHeadSize: none,
    },
    o.sample,
  );
}

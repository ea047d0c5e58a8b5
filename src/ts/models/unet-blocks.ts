import type { GraphBuilder, T } from '../graph/builder.js';
import { lastDim } from '../ops/lowering.js';
import { convLayer, groupNormLayer, linearLayer, pairedLinear } from './layers.js';

/** What all blocks of one UNet share. */
export interface UNetContext {
  readonly g: GraphBuilder;
  readonly groups: number;
  readonly eps: number;
  /** The time embedding scales and shifts the second norm; otherwise it is added before it. */
  readonly scaleShift: boolean;
  /** SiLU of the time embedding [R, T]. */
  readonly emb: T;
  /** Keys and values of the context [R, Lc, 2·channels] for the attention of that name, and their additive mask f32 [R, Lc]. */
  readonly context: ((name: string, channels: number) => T) | null;
  readonly mask: T | null;
}

/** diffusers' Attention has an eps of its own, whatever norm_eps says. */
const ATTENTION_NORM_EPS = 1e-5;

/**
 * diffusers' ResnetBlock2D: norm, SiLU, (2× nearest or 2×2 mean), conv, time, norm, SiLU, conv, and the input, resampled the
 * same way and through a 1×1 conv where the width changes. x[R, H, W, C] → [R, H', W', channels].
 */
export function resnet(
  c: UNetContext,
  name: string,
  x: T,
  channels: number,
  resample: 'none' | 'up' | 'down' = 'none',
): T {
  const { g } = c;
  const resized = (t: T): T => {
    if (resample === 'none') return t;
    return resample === 'up' ? g.upsampleNearest2x(t, `${name}.upsample`) : g.avgPool2x(t, `${name}.downsample`);
  };
  const normed = groupNormLayer(g, `${name}.norm1`, x, c.groups, c.eps);
  const first = convLayer(g, `${name}.conv1`, resized(g.activation(normed, 'silu', `${name}.act1`)), channels, 3);
  const time = linearLayer(g, `${name}.time_emb_proj`, c.emb, c.scaleShift ? 2 * channels : channels);
  const timed = c.scaleShift ? first : g.add(first, time, `${name}.time_add`);
  const normed2 = groupNormLayer(g, `${name}.norm2`, timed, c.groups, c.eps);
  const shifted = c.scaleShift ? g.scaleShift(normed2, time, `${name}.scale_shift`) : normed2;
  // The shortcut comes before conv2, so that its sum can become part of conv2.
  const input = resized(x);
  const shortcut = lastDim(x) === channels ? input : convLayer(g, `${name}.conv_shortcut`, input, channels, 1);
  const second = convLayer(g, `${name}.conv2`, g.activation(shifted, 'silu', `${name}.act2`), channels, 3);
  return g.mark(name, g.add(shortcut, second, `${name}.add`));
}

/**
 * diffusers' Attention with AttnAddedKVProcessor: image positions attend to the context's keys and to each other.
 * x[R, H, W, C] → the same shape; heads of `headSize` channels.
 */
export function attention(c: UNetContext, name: string, x: T, headSize: number): T {
  const { g } = c;
  const channels = lastDim(x);
  const normed = groupNormLayer(g, `${name}.group_norm`, x, c.groups, ATTENTION_NORM_EPS);
  const q = linearLayer(g, `${name}.to_q`, normed, channels);
  const kv = pairedLinear(g, name, ['to_k', 'to_v'], normed, channels);
  const context = c.context?.(name, channels) ?? null;
  const options = { heads: channels / headSize, scale: headSize ** -0.5, context, mask: c.mask };
  const attended = g.attention(q, kv, options, name);
  return g.mark(name, g.add(x, linearLayer(g, `${name}.to_out.0`, attended, channels), `${name}.add`));
}

/** Keys and values of context [R, Lc, Cx] for the attention `name` → [R, Lc, 2·channels]; the same in every step. */
export const contextKeysValues = (g: GraphBuilder, name: string, context: T, channels: number): T =>
  pairedLinear(g, name, ['add_k_proj', 'add_v_proj'], context, channels);

interface Level {
  readonly channels: number;
  readonly layers: number;
  readonly headSize: number | null;
  /** Whether the level ends with a resampling resnet. */
  readonly resample: boolean;
}

/** ResnetDownsampleBlock2D, or SimpleCrossAttnDownBlock2D with `headSize`. Every result is also a skip connection. */
export function downBlock(c: UNetContext, name: string, x: T, level: Level): { out: T; skips: T[] } {
  const skips: T[] = [];
  let h = x;
  for (let i = 0; i < level.layers; i++) {
    h = resnet(c, `${name}.resnets.${i}`, h, level.channels);
    if (level.headSize !== null) h = attention(c, `${name}.attentions.${i}`, h, level.headSize);
    skips.push(h);
  }
  if (level.resample) {
    h = resnet(c, `${name}.downsamplers.0`, h, level.channels, 'down');
    skips.push(h);
  }
  return { out: c.g.mark(name, h), skips };
}

/** UNetMidBlock2D, or UNetMidBlock2DSimpleCrossAttn with `headSize`. */
export function midBlock(c: UNetContext, x: T, headSize: number | null): T {
  let h = resnet(c, 'mid_block.resnets.0', x, lastDim(x));
  if (headSize !== null) h = attention(c, 'mid_block.attentions.0', h, headSize);
  return c.g.mark('mid_block', resnet(c, 'mid_block.resnets.1', h, lastDim(x)));
}

/** ResnetUpsampleBlock2D, or SimpleCrossAttnUpBlock2D with `headSize`. Takes `layers` skips off the end of `skips`. */
export function upBlock(c: UNetContext, name: string, x: T, skips: T[], level: Level): T {
  let h = x;
  for (let i = 0; i < level.layers; i++) {
    const resnetName = `${name}.resnets.${i}`;
    h = resnet(c, resnetName, c.g.concat([h, skips.pop()!], -1, `${resnetName}.concat`), level.channels);
    if (level.headSize !== null) h = attention(c, `${name}.attentions.${i}`, h, level.headSize);
  }
  if (level.resample) h = resnet(c, `${name}.upsamplers.0`, h, level.channels, 'up');
  return c.g.mark(name, h);
}

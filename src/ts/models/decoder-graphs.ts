import { GraphBuilder } from '../graph/builder.js';
import type { Graph } from '../graph/types.js';
import { UnclipError } from '../util/errors.js';
import { batched, type GuidedOptions, type NetworkOptions, networkRows } from './layers.js';
import {
  attentionSites,
  emitDecoderTime,
  emitUNet2DCondition,
  timeEmbeddingDim,
  type UNet2DConditionConfig,
} from './unet-2d-condition.js';
import { contextKeysValues } from './unet-blocks.js';

/** Options of the decoder's graphs. */
export interface DecoderOptions extends GuidedOptions {
  /** Tokens of the context: the image's (4) and the text's (77). */
  readonly tokens: number;
}

/** Name of the state that hands an attention's context from the prelude to the steps. */
export const decoderContextName = (site: string): string => `context.${site}`;

/**
 * What no step changes: keys and values of the context for every attention. R is the number of rows (2·batch when guided,
 * unconditional half first), Cx cross_attention_dim.
 *
 * Inputs: `context` [R, tokens, Cx] in the dtype.
 * Outputs: `context.SITE` [R, tokens, 2·channels] for every attention SITE, e.g. `context.mid_block.attentions.0`.
 */
export function decoderPreludeGraph(config: UNet2DConditionConfig, o: DecoderOptions): Graph {
  const g = new GraphBuilder('decoder.prelude', o);
  const context = g.input('context', [networkRows(o), o.tokens, config.cross_attention_dim]);
  for (const { name, channels } of attentionSites(config))
    g.output(decoderContextName(name), contextKeysValues(g, name, context, channels));
  return g.build();
}

/**
 * One reverse step of the decoder; S is sample_size, C in_channels, T the size of the time embedding.
 *
 * Inputs: `stepParams` f32 [B, 16]; `noise` f32 [B, S, S, C]; `timeEmbeds` [R, T] from the text projection; `mask` f32
 * [R, tokens], 0 or −10000; `context.SITE` from {@link decoderPreludeGraph}.
 * State: `latents` f32 [B, S, S, C], the sample, in place; `x0` likewise, the clipped prediction.
 */
export function decoderStepGraph(config: UNet2DConditionConfig, o: DecoderOptions): Graph {
  const rows = networkRows(o);
  const sample = [o.batch, ...sampleShape(config)];
  const g = new GraphBuilder('decoder.step', o);
  const stepParams = g.input('stepParams', [o.batch, 16], 'f32');
  const noise = g.input('noise', sample, 'f32');
  const classLabels = g.input('timeEmbeds', [rows, timeEmbeddingDim(config)]);
  const mask = g.input('mask', [rows, o.tokens], 'f32');
  const latents = g.state('latents', sample);
  const x0 = g.state('x0', sample);
  const modelOut = emitUNet2DCondition(g, config, {
    sample: batched(g, latents, rows / o.batch),
    time: batched(g, emitDecoderTime(g, config, stepParams), rows / o.batch),
    classLabels,
    context: (name, channels) => g.input(decoderContextName(name), [rows, o.tokens, 2 * channels]),
    mask,
  });
  g.diffusionStep(modelOut, latents, noise, stepParams, x0);
  return g.build();
}

/**
 * The bare network, one timestep a row.
 *
 * Inputs: `stepParams` f32 [B, 16]; `sample` f32 [B, S, S, C]; `timeEmbeds` [B, T]; `context` [B, tokens, Cx]; `mask` f32
 * [B, tokens]. Outputs: `predicted` [B, S, S, out_channels] in the dtype.
 */
export function decoderForwardGraph(
  config: UNet2DConditionConfig,
  o: NetworkOptions & { readonly tokens: number },
): Graph {
  const g = new GraphBuilder('decoder.forward', o);
  const stepParams = g.input('stepParams', [o.batch, 16], 'f32');
  const sample = g.input('sample', [o.batch, ...sampleShape(config)], 'f32');
  const classLabels = g.input('timeEmbeds', [o.batch, timeEmbeddingDim(config)]);
  const context = g.input('context', [o.batch, o.tokens, config.cross_attention_dim]);
  const mask = g.input('mask', [o.batch, o.tokens], 'f32');
  const predicted = emitUNet2DCondition(g, config, {
    sample: batched(g, sample, 1),
    time: emitDecoderTime(g, config, stepParams),
    classLabels,
    context: (name, channels) => contextKeysValues(g, name, context, channels),
    mask,
  });
  g.output('predicted', predicted);
  return g.build();
}

function sampleShape(config: UNet2DConditionConfig): number[] {
  if (config.sample_size === null)
    throw new UnclipError('MODEL_CONFIG_INVALID', 'decoder/config.json: sample_size is null; give the picture size');
  return [config.sample_size, config.sample_size, config.in_channels];
}

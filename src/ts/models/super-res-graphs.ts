import { GraphBuilder } from '../graph/builder.js';
import type { Graph } from '../graph/types.js';
import { UnclipError } from '../util/errors.js';
import type { NetworkOptions } from './layers.js';
import { batched } from './layers.js';
import { emitUNet2D, type UNet2DConfig } from './unet-2d.js';

/** Channels of a picture. */
const RGB = 3;

/** Size of the pictures that the upsamplers work on. `super_res_last` has sample_size null as published: give the first's. */
export interface SuperResOptions extends NetworkOptions {
  readonly size: number;
}

/**
 * The decoder's picture as the upsamplers see it: clamped to [−1, 1], enlarged (bicubic, antialiased), in f32.
 *
 * Inputs: `latents` f32 [B, from, from, 3]. Outputs: `upscaled` f32 [B, size, size, 3].
 */
export function superResPrepareGraph(o: {
  readonly batch: number;
  readonly from: number;
  readonly size: number;
}): Graph {
  const g = new GraphBuilder('super_res.prepare', { dtype: 'f32' });
  const latents = g.input('latents', [o.batch, o.from, o.from, RGB], 'f32');
  g.output('upscaled', g.bicubicResize(g.clamp(latents, -1, 1), o.size, o.size));
  return g.build();
}

/**
 * One reverse step of an upsampler, without guidance.
 *
 * Inputs: `stepParams` f32 [B, 16]; `noise` and `upscaled` f32 [B, size, size, 3].
 * State: `latents` f32 [B, size, size, 3], the sample, in place; `x0` likewise, the clipped prediction.
 */
export function superResStepGraph(config: UNet2DConfig, o: SuperResOptions): Graph {
  requireChannels(config);
  const sample = [o.batch, o.size, o.size, RGB];
  const g = new GraphBuilder('super_res.step', o);
  const stepParams = g.input('stepParams', [o.batch, 16], 'f32');
  const noise = g.input('noise', sample, 'f32');
  const upscaled = g.input('upscaled', sample, 'f32');
  const latents = g.state('latents', sample);
  const x0 = g.state('x0', sample);
  const modelOut = emitUNet2D(g, config, { sample: g.concat([latents, upscaled], -1, 'sample'), stepParams });
  g.diffusionStep(modelOut, latents, noise, stepParams, x0);
  return g.build();
}

/**
 * The bare network, one timestep a row.
 *
 * Inputs: `stepParams` f32 [B, 16]; `sample` f32 [B, size, size, 6]. Outputs: `predicted` [B, size, size, 3] in the dtype.
 */
export function superResForwardGraph(config: UNet2DConfig, o: SuperResOptions): Graph {
  requireChannels(config);
  const g = new GraphBuilder('super_res.forward', o);
  const stepParams = g.input('stepParams', [o.batch, 16], 'f32');
  const sample = g.input('sample', [o.batch, o.size, o.size, config.in_channels], 'f32');
  g.output('predicted', emitUNet2D(g, config, { sample: batched(g, sample, 1), stepParams }));
  return g.build();
}

/**
 * A finished sample as 8-bit pixels.
 *
 * Inputs: `latents` f32 [B, height, width, 3] in [−1, 1]. Outputs: `pixels` u32 [B, height, width], RGBA, red in the low byte.
 */
export function pixelsGraph(o: { readonly batch: number; readonly height: number; readonly width: number }): Graph {
  const g = new GraphBuilder('pixels', { dtype: 'f32' });
  g.output('pixels', g.toRgba8(g.input('latents', [o.batch, o.height, o.width, RGB], 'f32')));
  return g.build();
}

function requireChannels(c: UNet2DConfig): void {
  if (c.in_channels !== 2 * RGB || c.out_channels !== RGB)
    throw new UnclipError(
      'MODEL_CONFIG_INVALID',
      `super_res: in_channels ${c.in_channels} and out_channels ${c.out_channels} are not supported; 6 and 3 are expected`,
    );
}

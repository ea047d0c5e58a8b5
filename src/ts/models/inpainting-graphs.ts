import { GraphBuilder } from '../graph/builder.js';
import type { Graph } from '../graph/types.js';
import { KEEP_KNOWN_RECORD } from '../ops/diffusion/keep-known.js';

/**
 * What follows a reverse step of masked sampling: the known part of each picture is put into the sample.
 *
 * Inputs: `known` and `noise` f32 [B, S, S, C]; `weights` f32 [B, S, S], 1 where the picture is known; `records` f32 [B, 4].
 * State: `latents` f32 [B, S, S, C], the sample, in place.
 */
export function keepKnownGraph(o: { readonly batch: number; readonly size: number; readonly channels: number }): Graph {
  const shape = [o.batch, o.size, o.size, o.channels];
  const g = new GraphBuilder('keep_known', { dtype: 'f32' });
  const latents = g.state('latents', shape);
  const [known, noise] = [g.input('known', shape, 'f32'), g.input('noise', shape, 'f32')];
  const weights = g.input('weights', shape.slice(0, -1), 'f32');
  g.keepKnown(latents, known, weights, noise, g.input('records', [o.batch, KEEP_KNOWN_RECORD], 'f32'));
  return g.build();
}

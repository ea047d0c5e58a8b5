import { slerp } from '../../diffusion/slerp.js';
import { UnclipError } from '../../util/errors.js';
import type { DrawHooks } from '../drawing.js';
import type { Engine } from '../engine.js';
import { PerImageNoise } from '../noise.js';
import { checkRequest, type PictureRequest } from '../request.js';
import { checkFrames, drawFrames, type FramesResult } from './frames.js';
import { invertible, leaving, refuseSampler } from './invert-picture.js';
import { checkSources, type EmbeddingSource, embedParts } from './parts.js';
import { Stages } from './stages.js';

export interface BlendRequest extends Omit<PictureRequest, 'prompt' | 'n'>, DrawHooks {
  /** Pictures and prompts to pass through, at least two. */
  readonly parts: readonly EmbeddingSource[];
  /** Frames in all, from the first part to the last, 2 … 240. Default 8. */
  readonly frames?: number;
  /**
   * Whether each picture's own x_T (DDIM inversion) is blended too, so that the sequence passes through the pictures themselves. A
   * prompt has the seed's noise. Default false: all frames have the seed's noise.
   */
  readonly invert?: boolean;
}

/**
 * Blends (arXiv 2204.06125, section 3.2): frames along the slerp between the CLIP image embeddings of pictures, or of what the
 * prior makes of prompts, drawn without words. With `invert` x_T goes along, by DDIM, see {@link leaving}.
 * @throws UnclipError INPUT_*, MODEL_CONFIG_INVALID (no image encoder, no prior), CANCELLED, GPU_*
 */
export function blend(engine: Engine, request: BlendRequest): Promise<FramesResult> {
  const { parts: sources, frames = 8, invert = false } = request;
  const check = () => {
    if (sources.length < 2) throw new UnclipError('INPUT_INVALID', 'a blend needs at least two pictures or prompts');
    checkFrames(frames);
    checkSources(engine, sources);
    if (invert) refuseSampler(request);
    return checkRequest({ ...request, n: 1, prompt: '' }, engine.model.info.defaults);
  };
  return engine.exclusive(check, async ({ seed, settings: given }) => {
    const stages = new Stages(request, frames);
    const parts = await embedParts(engine, sources, { seed, settings: given, invert, stages }, request);
    const { in_channels: channels, sample_size: size } = engine.model.configs.decoder;
    const noise = new PerImageNoise([seed]).draw('decoder', -1, [channels, size!, size!]);
    const unprompted = { ...given, priorGuidanceScale: 1 };
    const settings = invert ? { ...invertible(given), decoderGuidanceScale: given.decoderGuidanceScale } : unprompted;
    const frame = (index: number) => {
      const position = (index * (parts.length - 1)) / (frames - 1);
      const segment = Math.min(Math.floor(position), parts.length - 2);
      const t = position - segment;
      const [a, b] = [parts[segment]!, parts[segment + 1]!];
      const imageEmbeds = slerp(a.imageEmbeds, b.imageEmbeds, t);
      const origin = { operation: 'blend', frame: index + 1, position, invert };
      if (!invert) return { imageEmbeds, origin };
      const start = slerp(a.inverted?.start ?? noise, b.inverted?.start ?? noise, t);
      const away = Math.min(a.inverted === undefined ? 1 : t, b.inverted === undefined ? 1 : 1 - t);
      return { imageEmbeds, ...leaving(start, away, settings.decoderGuidanceScale), origin };
    };
    return drawFrames(engine, frames, frame, { seed, settings, stages }, request);
  });
}

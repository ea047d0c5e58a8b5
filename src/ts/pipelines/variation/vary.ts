import { slerp } from '../../diffusion/slerp.js';
import type { PictureInput } from '../../image/picture-input.js';
import { UnclipError } from '../../util/errors.js';
import { type DrawHooks, type DrawItem, type DrawResult, drawPictures } from '../drawing.js';
import type { Engine } from '../engine.js';
import { PerImageNoise } from '../noise.js';
import { checkRequest, type PictureRequest } from '../request.js';
import type { SamplingSettings } from '../settings.js';
import { invertible, refuseSampler } from './invert-picture.js';
import { embedParts } from './parts.js';
import { Stages } from './stages.js';

export interface VaryRequest extends Omit<PictureRequest, 'prompt' | 'priorSteps' | 'priorGuidanceScale'>, DrawHooks {
  readonly picture: PictureInput;
  /**
   * How far from the picture, 0 … 1. Default 1: nothing but its CLIP embedding is kept. Below that the decoder starts from the
   * slerp between the picture's own x_T (DDIM inversion, which 0 decodes to the picture again) and the seed's noise at
   * `strength`, with η = `strength` and guidance in proportion; the upsampler starts from the enlarged result plus the picture's
   * own detail at noise level `strength`, so that at 0 only its last step is left.
   */
  readonly strength?: number;
}

export interface VaryResult extends DrawResult {
  /** Seed of the first picture. */
  readonly seed: number;
}

/**
 * Variations of a picture (arXiv 2204.06125, section 3.1; diffusers' UnCLIPImageVariationPipeline): image encoder → decoder →
 * upsamplers, with no words for either half of the guidance. The middle square of the picture is what is seen of it, on white where it is transparent.
 * @throws UnclipError INPUT_* (strength, picture), MODEL_CONFIG_INVALID (no image encoder), CANCELLED, GPU_*
 */
export function vary(engine: Engine, request: VaryRequest): Promise<VaryResult> {
  const { strength = 1, ...rest } = request;
  const check = () => {
    engine.model.requireImageEncoder();
    if (!(strength >= 0 && strength <= 1))
      throw new UnclipError('INPUT_INVALID', `strength is ${strength}: give a number, 0 (the picture) to 1`);
    if (strength < 1) refuseSampler(rest);
    return checkRequest({ ...rest, prompt: '' }, engine.model.info.defaults);
  };
  return engine.exclusive(check, async ({ n, seed, settings: given }) => {
    const stages = new Stages(request, n);
    const settings = withStrength(given, strength);
    const invert = strength < 1;
    const [part] = await embedParts(
      engine,
      [{ picture: request.picture }],
      { seed, settings, invert, stages },
      request,
    );
    const { imageEmbeds, inverted } = part!;
    const { in_channels: channels, sample_size: size } = engine.model.configs.decoder;
    const items = Array.from({ length: n }, (_, k): DrawItem => {
      const origin = { operation: 'vary', strength };
      if (inverted === undefined) return { prompt: '', seed: seed + k, imageEmbeds, origin };
      const noise = new PerImageNoise([seed + k]).draw('decoder', -1, [channels, size!, size!]);
      const start = slerp(inverted.start, noise, strength);
      return { prompt: '', seed: seed + k, imageEmbeds, start, detail: inverted.detail, origin };
    });
    const { signal, onProgress, onImage } = request;
    const drawn = await drawPictures(engine, items, { settings, signal, onProgress, onImage });
    return { ...drawn, timings: [...stages.timings, ...drawn.timings], seed };
  });
}

/** Guidance and noise grow with the strength; at 1 everything is as for an ordinary variation. */
function withStrength(settings: SamplingSettings, strength: number): SamplingSettings {
  const unprompted = { ...settings, priorGuidanceScale: 1 };
  if (strength === 1) return unprompted;
  return {
    ...invertible(settings),
    eta: strength,
    decoderGuidanceScale: 1 + (settings.decoderGuidanceScale - 1) * strength,
    superResStart: strength,
  };
}

import type { PictureInput } from '../../image/picture-input.js';
import type { GeneratedImage } from '../generated-image.js';
import type { SubmitOptions } from '../scheduler/options.js';
import type { PictureScheduler } from '../scheduler/picture-scheduler.js';
import type { SamplingSettings } from '../settings.js';
import type { Unclip } from '../unclip.js';

export interface VariationItems {
  readonly picture: PictureInput;
  readonly n: number;
  /** Of the first; variation k has seed + k. */
  readonly seed: number;
  readonly settings: SamplingSettings;
}

/**
 * Draws variations of a picture in batches with other requests' pictures: those that `Unclip.vary` draws at full strength.
 * @throws UnclipError INPUT_*, MODEL_CONFIG_INVALID (no image encoder), CANCELLED, QUEUE_FULL, GPU_*
 */
export async function scheduleVariations(
  unclip: Pick<Unclip, 'embed'>,
  scheduler: PictureScheduler,
  { picture, n, seed, settings }: VariationItems,
  hooks: Pick<SubmitOptions, 'signal' | 'onStep'>,
): Promise<GeneratedImage[]> {
  const { pictures } = await unclip.embed({ pictures: [picture], signal: hooks.signal });
  const [imageEmbeds] = pictures;
  const origin = { operation: 'vary', strength: 1 };
  const items = Array.from({ length: n }, (_, k) => ({ prompt: '', seed: seed + k, imageEmbeds, origin }));
  return Promise.all(scheduler.submit(items, { ...hooks, settings: { ...settings, priorGuidanceScale: 1 } }));
}

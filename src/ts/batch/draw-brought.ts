import type { GeneratedImage } from '../pipelines/generated-image.js';
import type { PictureScheduler } from '../pipelines/scheduler/picture-scheduler.js';
import type { Unclip } from '../pipelines/unclip.js';
import { scheduleVariations } from '../pipelines/variation/schedule-variations.js';
import { type Brought, readBrought } from './brought-pictures.js';
import type { PictureJob } from './picture-job.js';

/**
 * Draws a picture from one that its line brings: a variation in batches with others, an edit between their steps.
 * @throws UnclipError INPUT_* (its pictures), CANCELLED, GPU_*
 */
export async function drawBrought(
  unclip: Unclip,
  scheduler: PictureScheduler,
  { operation, image, mask }: Brought,
  { prompt, seed, settings }: PictureJob,
  signal: AbortSignal | undefined,
): Promise<GeneratedImage> {
  const picture = await readBrought(image);
  if (operation === 'vary') {
    const [drawn] = await scheduleVariations(unclip, scheduler, { picture, n: 1, seed, settings }, { signal });
    return drawn!;
  }
  const edited = await unclip.edit({
    picture,
    mask: mask && (await readBrought(mask)),
    prompt,
    seed,
    ...settings,
    signal,
  });
  return edited.images[0]!;
}

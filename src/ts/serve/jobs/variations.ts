import type { GeneratedImage } from '../../pipelines/generated-image.js';
import type { CheckedRequest } from '../../pipelines/request.js';
import type { PictureScheduler } from '../../pipelines/scheduler/picture-scheduler.js';
import type { Unclip } from '../../pipelines/unclip.js';
import { scheduleVariations } from '../../pipelines/variation/schedule-variations.js';
import type { Jobs } from './jobs.js';

/**
 * Draws variations of a picture in batches with other requests' pictures.
 * @param id of the request
 * @param picture a file's contents
 * @throws ApiError 503 while closing; UnclipError QUEUE_FULL and INPUT_PICTURE_INVALID as rejections
 */
export function drawVariations(
  jobs: Jobs,
  scheduler: PictureScheduler,
  unclip: Unclip,
  id: string,
  picture: Buffer,
  { n, seed, settings }: CheckedRequest,
  client: AbortSignal,
): readonly Promise<GeneratedImage>[] {
  return jobs.start({ id, n, seed, ...settings, brought: { image: picture } }, client, (job) => {
    const drawn = scheduleVariations(
      unclip,
      scheduler,
      { picture, n, seed, settings },
      { signal: job.signal, onStep: () => jobs.begun(job) },
    );
    return Array.from({ length: n }, async (_, k) => (await drawn)[k]!);
  });
}

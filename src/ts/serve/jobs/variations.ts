import type { GeneratedImage } from '../../pipelines/generated-image.js';
import type { CheckedRequest } from '../../pipelines/request.js';
import type { PictureScheduler } from '../../pipelines/scheduler/picture-scheduler.js';
import type { Unclip } from '../../pipelines/unclip.js';
import type { Jobs } from './jobs.js';

/**
 * Draws variations of a picture in batches with other requests' pictures: those that `Unclip.vary` draws at full strength.
 * @param picture a file's contents
 * @throws ApiError 503 while closing; UnclipError QUEUE_FULL and INPUT_PICTURE_INVALID as rejections
 */
export function drawVariations(
  jobs: Jobs,
  scheduler: PictureScheduler,
  unclip: Unclip,
  picture: Buffer,
  { n, seed, settings }: CheckedRequest,
  client: AbortSignal,
): readonly Promise<GeneratedImage>[] {
  return jobs.start(undefined, client, (job) => {
    const drawn = unclip.embed({ pictures: [picture], signal: job.signal }).then(({ pictures: [imageEmbeds] }) => {
      const origin = { operation: 'vary', strength: 1 };
      const items = Array.from({ length: n }, (_, k) => ({ prompt: '', seed: seed + k, imageEmbeds, origin }));
      return scheduler.submit(items, {
        settings: { ...settings, priorGuidanceScale: 1 },
        signal: job.signal,
        onStep: () => jobs.begun(job),
      });
    });
    return Array.from({ length: n }, async (_, k) => (await drawn)[k]!);
  });
}

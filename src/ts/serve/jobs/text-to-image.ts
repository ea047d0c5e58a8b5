import type { GeneratedImage } from '../../pipelines/generated-image.js';
import type { CheckedRequest } from '../../pipelines/request.js';
import type { PictureScheduler } from '../../pipelines/scheduler/picture-scheduler.js';
import type { OnPartial } from '../images/drawing.js';
import type { Jobs } from './jobs.js';

/** Unfinished pictures that are wanted of each picture. */
export interface Partials {
  readonly count: number;
  readonly onPartial: OnPartial;
}

/**
 * Draws a request's pictures in batches with those of others.
 * @param id of the request
 * @throws UnclipError QUEUE_FULL, ApiError 503 while closing
 */
export function drawTexts(
  jobs: Jobs,
  scheduler: PictureScheduler,
  id: string,
  { prompt, n, seed, settings }: CheckedRequest,
  client: AbortSignal,
  partials?: Partials,
): readonly Promise<GeneratedImage>[] {
  const items = Array.from({ length: n }, (_, k) => ({ prompt, seed: seed + k }));
  return jobs.start({ id, prompt, n, seed, ...settings }, client, (job) =>
    scheduler.submit(items, {
      settings,
      signal: job.signal,
      onStep: () => jobs.begun(job),
      partialImages: partials?.count,
      onPartial: partials?.onPartial,
    }),
  );
}

import type { GeneratedImage } from '../../pipelines/generated-image.js';
import type { CheckedRequest } from '../../pipelines/request.js';
import type { PictureStep, SubmitOptions } from '../../pipelines/scheduler/options.js';
import type { Watched } from '../images/drawing.js';
import type { Service } from '../service.js';

/**
 * Draws a request's pictures in batches with those of others.
 * @param id of the request
 * @throws UnclipError QUEUE_FULL, ApiError 503 while closing
 */
export function drawTexts(
  { jobs, scheduler }: Pick<Service, 'jobs' | 'scheduler'>,
  id: string,
  { prompt, n, seed, settings }: CheckedRequest,
  client: AbortSignal,
  watched?: Watched,
): readonly Promise<GeneratedImage>[] {
  const items = Array.from({ length: n }, (_, k) => ({ prompt, seed: seed + k }));
  return jobs.start({ id, prompt, n, seed, ...settings }, client, (job) =>
    scheduler.submit(items, {
      settings,
      signal: job.signal,
      ...watchingHooks(watched, () => jobs.begun(job)),
    }),
  );
}

/** What a scheduler tells whoever watches. @param onStep called at every step, whether anybody watches or not */
function watchingHooks(
  watched: Watched | undefined,
  onStep: () => void,
): Pick<SubmitOptions, 'onStep' | 'onPartial' | 'onEmbedding' | 'partialImages'> {
  if (watched === undefined) return { onStep };
  const { shown, watcher } = watched;
  const latest = new Map<number, PictureStep>();
  return {
    onStep(step) {
      latest.set(step.picture, step);
      onStep();
    },
    partialImages: shown.partials,
    onPartial: (partial, number, picture) => watcher.onPartial(partial, number, picture, latest.get(picture)!),
    ...(shown.captions === 0
      ? {}
      : { onEmbedding: (embedding, step, steps, picture) => watcher.onEmbedding(embedding, step, steps, picture) }),
  };
}

import type { GeneratedImage } from '../../pipelines/generated-image.js';
import type { GenerateProgress } from '../../pipelines/progress.js';
import type { CheckedRequest } from '../../pipelines/request.js';
import { partialAt } from '../../pipelines/scheduler/unfinished-state.js';
import type { Unclip } from '../../pipelines/unclip.js';
import { UnclipError } from '../../util/errors.js';
import type { Watched } from '../images/drawing.js';
import type { Job } from './job.js';
import type { Jobs } from './jobs.js';

/** Files' contents. */
export interface EditFiles {
  readonly picture: Buffer;
  readonly mask?: Buffer;
}

/**
 * Edits are drawn one request at a time, between the steps of other pictures' batches, and so have a queue of their own.
 */
export class Edits {
  readonly #jobs: Jobs;
  readonly #unclip: Unclip;
  readonly #maxQueued: number;
  #pictures = 0;

  /** @param maxQueued most pictures that are not finished; more are refused */
  constructor(jobs: Jobs, unclip: Unclip, maxQueued: number) {
    this.#jobs = jobs;
    this.#unclip = unclip;
    this.#maxQueued = maxQueued;
  }

  /** Pictures that are not finished. */
  get pictures(): number {
    return this.#pictures;
  }

  /**
   * Starts an edit: a promise for each picture.
   * @param id of the request
   * @throws UnclipError QUEUE_FULL, ApiError 503 while closing
   */
  draw(id: string, files: EditFiles, request: CheckedRequest, client: AbortSignal, watched?: Watched) {
    const { prompt, n, seed, settings } = request;
    const { picture: image, mask } = files;
    const asked = { id, prompt, n, seed, ...settings, brought: { image, ...(mask && { mask }) } };
    return this.#jobs.start(asked, client, (job) => {
      if (this.#pictures + request.n > this.#maxQueued)
        throw new UnclipError('QUEUE_FULL', `${this.#pictures} edits wait already; try again later`);
      this.#pictures += request.n;
      const pictures = this.#edit(job, files, request, watched);
      void Promise.allSettled(pictures).then(() => {
        this.#pictures -= request.n;
      });
      return pictures;
    });
  }

  #edit(job: Job, files: EditFiles, { settings, ...request }: CheckedRequest, watched?: Watched) {
    const told = watched && partialTeller(watched);
    const drawn = this.#unclip.edit({
      ...files,
      ...request,
      ...settings,
      signal: job.signal,
      onProgress: async (progress) => {
        this.#jobs.begun(job);
        await told?.(progress);
      },
    });
    return Array.from({ length: request.n }, async (_, k): Promise<GeneratedImage> => (await drawn).images[k]!);
  }
}

/** Shows the decoder's predictions at even distances; of an edit in several windows those of the first. */
function partialTeller({ shown, watcher }: Watched): (progress: GenerateProgress) => Promise<void> {
  const told = new Set<string>();
  return async ({ stage, step, steps, done, preview }) => {
    const number = stage === 'decoder' ? partialAt(step, steps, shown.partials) : undefined;
    const name = `${done}/${number}`;
    if (preview === undefined || number === undefined || told.has(name)) return;
    told.add(name);
    for (const [k, picture] of (await preview()).entries())
      watcher.onPartial(picture, number, done + k, { stage, step, steps });
  };
}

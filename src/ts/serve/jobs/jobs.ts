import type { GeneratedImage } from '../../pipelines/generated-image.js';
import { ApiError } from '../http/api-error.js';
import { Activity } from './activity.js';
import { Job, type JobLimits, type JobRequest } from './job.js';

/** Draws the pictures of a job: a promise for each, rejected soon after the job's signal is aborted. */
export type Draw = (job: Job) => readonly Promise<GeneratedImage>[];

/** All requests for pictures that are under way. */
export class Jobs {
  readonly #limits: JobLimits;
  readonly #onBegun: (queuedMs: number) => void;
  readonly #underWay = new Set<Job>();
  readonly #activity = new Activity();
  #closing = false;

  /** @param onBegun told how long a job has waited for its first picture to begin */
  constructor(limits: JobLimits, onBegun: (queuedMs: number) => void) {
    this.#limits = limits;
    this.#onBegun = onBegun;
  }

  get size(): number {
    return this.#underWay.size;
  }

  /** Whether jobs are refused since the service is about to end. */
  get closing(): boolean {
    return this.#closing;
  }

  /**
   * Starts a job.
   * @param client aborted when the client goes away
   * @returns a promise for each picture. When one fails, the others are stopped
   * @throws ApiError 503 while closing, and whatever `draw` throws
   */
  start(request: JobRequest, client: AbortSignal, draw: Draw): readonly Promise<GeneratedImage>[] {
    if (this.#closing) throw shuttingDown();
    const job = new Job(request, this.#limits, client);
    let pictures: readonly Promise<GeneratedImage>[];
    try {
      pictures = draw(job);
    } catch (error) {
      job.settle();
      throw error;
    }
    this.#underWay.add(job);
    this.#activity.begin();
    const told = pictures.map((picture) =>
      picture.catch((failure: unknown) => {
        const reason = job.reasonOf(failure);
        job.stop(reason as Error);
        throw reason;
      }),
    );
    void Promise.allSettled(told).then(() => this.#settle(job));
    return told;
  }

  /** A picture of the job has begun. */
  begun(job: Job): void {
    if (job.queuedMs !== undefined) return;
    job.begin();
    this.#onBegun(job.queuedMs!);
  }

  /** Refuses jobs from now on. */
  close(): void {
    this.#closing = true;
  }

  /** Waits until no job is under way, at most `ms` milliseconds. */
  idle(ms: number): Promise<void> {
    return this.#activity.idle(ms);
  }

  /** Stops everything that is under way. @returns what each was */
  stop(): JobRequest[] {
    const stopped = [...this.#underWay];
    for (const job of stopped) job.stop(shuttingDown());
    return stopped.map(({ request }) => request);
  }

  #settle(job: Job): void {
    job.settle();
    this.#underWay.delete(job);
    this.#activity.end();
  }
}

const shuttingDown = (): ApiError =>
  new ApiError(503, 'The server is shutting down. Try again later.', { code: 'shutting_down', retryAfter: 5 });

import type { SamplingSettings } from '../../pipelines/settings.js';
import { UnclipError } from '../../util/errors.js';
import { ApiError } from '../http/api-error.js';

/** What a request asks for, in the form that `unclip batch` reads. */
export interface JobRequest extends Partial<SamplingSettings> {
  readonly id: string;
  /** Undefined: variations of a picture. */
  readonly prompt?: string;
  readonly n: number;
  readonly seed: number;
  /** Files' contents, by the names that lines have for them. */
  readonly brought?: { readonly image: Uint8Array; readonly mask?: Uint8Array };
}

export interface JobLimits {
  /** Longest wait for the first picture to begin, milliseconds. */
  readonly queueDeadlineMs: number;
  /** Longest time from there on, milliseconds. */
  readonly runDeadlineMs: number;
}

/**
 * A request's pictures under way: who may stop them, and when they have to begin and to be finished. Whatever stops them, the
 * first reason is the one that is told.
 */
export class Job {
  readonly request: JobRequest;
  /** Milliseconds from the beginning of the job to that of its first picture; undefined before. */
  queuedMs: number | undefined;
  readonly #controller = new AbortController();
  readonly #limits: JobLimits;
  readonly #submitted = performance.now();
  #timer: NodeJS.Timeout;

  constructor(request: JobRequest, limits: JobLimits, client: AbortSignal) {
    this.request = request;
    this.#limits = limits;
    const gone = (): void => this.stop(new UnclipError('CANCELLED', 'the client went away'));
    if (client.aborted) gone();
    else client.addEventListener('abort', gone, { once: true });
    this.#timer = setTimeout(() => {
      const message = 'The pictures could not be begun in time. Try again later.';
      this.stop(new ApiError(503, message, { code: 'queue_deadline_exceeded', retryAfter: 5 }));
    }, limits.queueDeadlineMs);
  }

  /** Aborted when the job is to end early; its reason says why. */
  get signal(): AbortSignal {
    return this.#controller.signal;
  }

  /** A picture has begun. */
  begin(): void {
    if (this.queuedMs !== undefined) return;
    this.queuedMs = performance.now() - this.#submitted;
    clearTimeout(this.#timer);
    this.#timer = setTimeout(
      () => this.stop(new UnclipError('DEADLINE_EXCEEDED', 'the run took too long')),
      this.#limits.runDeadlineMs,
    );
  }

  /** Ends the job within a step. */
  stop(reason: Error): void {
    this.#controller.abort(reason);
  }

  /** Nothing of it is under way any more. */
  settle(): void {
    clearTimeout(this.#timer);
  }

  /** Why it ended: the reason of whoever stopped it, or the failure itself. */
  reasonOf(failure: unknown): unknown {
    return this.signal.aborted ? this.signal.reason : failure;
  }
}

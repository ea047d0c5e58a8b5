import { cancelled, overdue } from '../pipelines/ended.js';
import type { SubmitOptions } from '../pipelines/scheduler/options.js';
import type { UnclipError } from '../util/errors.js';

/** Longest time that a timer can be set to, milliseconds. */
const LONGEST_MS = 2 ** 31 - 1;

/**
 * Says when nobody wants pictures any more, or when they are too late; never before it returns.
 * @returns stops watching
 */
export function watchLimits({ signal, deadline }: SubmitOptions, end: (error: UnclipError) => void): () => void {
  const cancel = (): void => end(cancelled());
  if (signal?.aborted) queueMicrotask(cancel);
  signal?.addEventListener('abort', cancel, { once: true });
  const ms = deadline === undefined ? Number.POSITIVE_INFINITY : Math.max(0, deadline - performance.now());
  const late = (): void => end(overdue());
  const timer = ms > LONGEST_MS ? undefined : setTimeout(late, ms);
  return () => {
    signal?.removeEventListener('abort', cancel);
    clearTimeout(timer);
  };
}

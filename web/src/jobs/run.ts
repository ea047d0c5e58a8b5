import { type DrawEvent, draw } from '../api/draw.js';
import { Failure } from '../api/failure.js';
import { apiKey, keyWanted } from '../api/key.js';
import type { DrawRequest, Watch } from '../api/request.js';
import { addEntry, isKept } from '../gallery/gallery.js';
import { model } from '../state/model.js';
import { stageName } from '../story/story.js';
import { announce } from '../ui/notices.js';
import { finishPicture } from './finish.js';
import { EMPTY_PICTURE, type Job, type JobPicture } from './job.js';
import { Slots } from './slots.js';

/** A job that others may look at while it changes. */
export interface LiveJob {
  /** Undefined when it was dismissed. */
  now(): Job | undefined;
  change(part: Partial<Job>): void;
}

/** Browsers open six connections to a server; some are left for other things. */
const slots = new Slots(4);

/** How often a busy server is asked. */
const MOST_TRIES = 20;

/** Unfinished pictures of a request, shared by its pictures. */
const PREVIEWS = 32;
const CAPTIONS = 8;

/** Draws a job's pictures, and waits where the server asks for it. Nothing is thrown: the job's status tells how it ended. */
export async function runJob(live: LiveJob, signal: AbortSignal): Promise<void> {
  for (let tries = 1; ; tries++) {
    const began = performance.now();
    try {
      await drawOnce(live, signal);
      live.change({ status: { name: 'done' }, tookMs: performance.now() - began });
      announce('Done');
      return;
    } catch (error) {
      if (signal.aborted) {
        live.change({ status: { name: 'cancelled' } });
        announce('Cancelled');
        return;
      }
      if (!(await waitUntilPossible(live, failureIn(error), tries, signal))) return;
    }
  }
}

/** A failure of the page's own is told, too. */
function failureIn(error: unknown): Failure {
  if (error instanceof Failure) return error;
  console.error(error);
  return new Failure('refused', 'This browser could not read what the server answered.');
}

async function drawOnce(live: LiveJob, signal: AbortSignal): Promise<void> {
  live.change({ status: { name: 'queued' } });
  const release = await slots.take(signal);
  try {
    live.change({ status: { name: 'drawing' } });
    const { request } = live.now()!;
    for await (const event of draw(request, watchOf(request), signal)) await apply(live, event);
  } finally {
    release();
  }
}

function watchOf({ n, settings }: DrawRequest): Watch {
  const { nearest_captions = 0 } = model.value ?? {};
  return {
    previews: Math.max(3, Math.floor(PREVIEWS / n)),
    // The autoregressive prior makes its embedding code by code and has no predictions of it on the way.
    captions: settings.prior === 'ar' ? 0 : Math.min(CAPTIONS, nearest_captions),
  };
}

async function apply(live: LiveJob, event: DrawEvent): Promise<void> {
  const job = live.now();
  const before = job?.pictures[event.picture];
  // What was finished before the connection was lost comes again.
  if (job === undefined || before === undefined || before.entry !== undefined) return;
  const set = (part: Partial<JobPicture>, more: Partial<Job> = {}): void => {
    const pictures = live
      .now()
      ?.pictures.map((picture, k) => (k === event.picture ? { ...picture, ...part } : picture));
    live.change({ pictures, ...more });
  };
  if (event.type === 'prior') {
    const { step, steps, captions } = event;
    // Captions may come later than pictures.
    const at = before.preview === undefined ? ({ stage: 'prior', step, steps } as const) : before.at;
    set({ at, prior: [...before.prior, { step, steps, captions }] });
  } else if (event.type === 'preview') {
    const { stage, step, steps, file } = event;
    if (event.picture === 0 && before.at?.stage !== stage) announce(stageName(stage));
    const at = { stage, step, steps };
    set({ at, preview: file, frames: [...before.frames, { ...at, file }] });
  } else {
    const { entry, same } = await finishPicture(job, before, event);
    set({ ...EMPTY_PICTURE, entry }, { same });
    if (same !== true || !isKept(entry)) await addEntry(entry);
  }
}

/** @returns false when there is nothing to wait for: the job has failed, or it was cancelled */
async function waitUntilPossible(
  live: LiveJob,
  failure: Failure,
  tries: number,
  signal: AbortSignal,
): Promise<boolean> {
  const { kind, message, retryAfter } = failure;
  if (kind === 'key') {
    live.change({ status: { name: 'key' } });
    keyWanted.value = true;
    return pause(signal, (go) => apiKey.subscribe(go));
  }
  if (kind === 'busy' && retryAfter !== undefined && tries < MOST_TRIES) {
    live.change({ status: { name: 'busy', message, until: Date.now() + 1000 * retryAfter } });
    return pause(signal, (go) => {
      const timer = setTimeout(go, 1000 * retryAfter);
      return () => clearTimeout(timer);
    });
  }
  live.change({ status: { name: 'failed', message, lost: kind === 'lost' } });
  announce(message);
  return false;
}

/** Waits until `listen`'s callback is called, or the signal is aborted; then the next try tells it. */
function pause(signal: AbortSignal, listen: (go: () => void) => () => void): Promise<true> {
  return new Promise((resolve) => {
    const go = (): void => {
      stop();
      signal.removeEventListener('abort', go);
      resolve(true);
    };
    const stop = listen(go);
    signal.addEventListener('abort', go, { once: true });
  });
}

import type { Picture as Picture8 } from '../../image/picture.js';
import { UnclipError } from '../../util/errors.js';
import type { DrawItem } from '../drawing.js';
import { cancelled } from '../ended.js';
import type { GeneratedImage } from '../generated-image.js';
import { Mailbox } from './mailbox.js';
import type { PictureStep, SubmitOptions } from './options.js';
import type { PictureScheduler } from './picture-scheduler.js';

/** What a stream tells; `picture` is the place of the item among those it was given. */
export type PictureEvent =
  | ({ readonly type: 'step' } & PictureStep)
  | { readonly type: 'partial'; readonly picture: number; readonly number: number; readonly image: Picture8 }
  | { readonly type: 'image'; readonly picture: number; readonly image: GeneratedImage };

export interface StreamOptions extends Omit<SubmitOptions, 'onStep' | 'onPartial'> {
  /**
   * Most pictures that are asked for and whose `image` was not read yet: no more items are taken from the source meanwhile.
   * Default: twice what the scheduler has under way at once.
   */
  readonly window?: number;
}

/**
 * Draws the pictures of a source, which may be endless, and tells of them as they come; the reader sets the pace. Of each picture a
 * slow reader gets the latest step and the latest partial picture only, and every finished picture; others that the scheduler
 * draws do not wait for it. The first failure ends the stream, and so does leaving the loop: what is under way is cancelled.
 * @throws UnclipError as `Scheduler.submit`, CANCELLED, DEADLINE_EXCEEDED, GPU_*; and whatever the source throws
 */
export async function* streamPictures(
  scheduler: Pick<PictureScheduler, 'submit' | 'capacity'>,
  items: Iterable<DrawItem> | AsyncIterable<DrawItem>,
  options: StreamOptions = {},
): AsyncGenerator<PictureEvent, void, undefined> {
  const { window = 2 * scheduler.capacity, signal, ...submitOptions } = options;
  if (!Number.isInteger(window) || window < 1)
    throw new UnclipError('INPUT_INVALID', `window is ${window}: give a whole number, at least 1`);
  if (signal?.aborted) throw cancelled();
  const leave = new AbortController();
  const stop = signal === undefined ? leave.signal : AbortSignal.any([signal, leave.signal]);
  const mailbox = new Mailbox<PictureEvent>();
  const source = Symbol.asyncIterator in items ? items[Symbol.asyncIterator]() : items[Symbol.iterator]();
  const underWay = new Set<Promise<void>>();
  let unread = 0;
  let readOne = (): void => {};
  let exhausted = false;
  stop.addEventListener('abort', () => {
    mailbox.end(cancelled());
    readOne();
  });

  const submit = (item: DrawItem, index: number): void => {
    const [drawn] = scheduler.submit([item], {
      ...submitOptions,
      signal: stop,
      onStep: (step) => mailbox.post(`${index} step`, { type: 'step', ...step, picture: index }),
      onPartial: (image, number) =>
        mailbox.post(`${index} partial`, { type: 'partial', picture: index, number, image }),
    });
    unread++;
    const told = drawn!
      .then(
        (image) => {
          // A picture that is finished makes its earlier states old news.
          mailbox.forget(`${index} partial`);
          mailbox.post(`${index} image`, { type: 'image', picture: index, image });
        },
        (error: unknown) => mailbox.end(error),
      )
      .finally(() => underWay.delete(told));
    underWay.add(told);
  };

  /** The scheduler's queue may be full of others' pictures: then the next try is made when one of these is finished. */
  const submitWhenThereIsRoom = async (item: DrawItem, index: number): Promise<void> => {
    for (;;) {
      try {
        return submit(item, index);
      } catch (error) {
        if (!(error instanceof UnclipError) || error.code !== 'QUEUE_FULL' || underWay.size === 0) throw error;
        await Promise.race(underWay);
      }
    }
  };

  const pump = async (): Promise<void> => {
    for (let index = 0; !stop.aborted; index++) {
      while (unread >= window && !stop.aborted)
        await new Promise<void>((resolve) => {
          readOne = resolve;
        });
      const { done, value } = await source.next();
      exhausted = done === true;
      if (done) break;
      if (!stop.aborted) await submitWhenThereIsRoom(value, index);
    }
    await Promise.all(underWay);
    mailbox.end();
  };

  pump().catch((error: unknown) => mailbox.end(error));
  try {
    for (let event = await mailbox.next(); event !== undefined; event = await mailbox.next()) {
      if (event.type === 'image') {
        unread--;
        readOne();
      }
      yield event;
    }
  } finally {
    leave.abort();
    await Promise.all(underWay);
    // Not awaited: a source that is waiting for its next item may wait for ever.
    if (!exhausted) void Promise.resolve(source.return?.()).catch(() => {});
  }
}

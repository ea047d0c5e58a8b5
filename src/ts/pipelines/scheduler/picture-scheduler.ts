import type { DrawItem } from '../drawing.js';
import type { GeneratedImage } from '../generated-image.js';
import type { SubmitOptions } from './options.js';
import type { PictureEvent, StreamOptions } from './picture-stream.js';
import type { SchedulerMetrics } from './scheduler-metrics.js';

/** Draws pictures of many requests at once: on the device of this process, or on those of others. */
export interface PictureScheduler {
  /**
   * Asks for pictures. They are one request: it shares the devices evenly with others of its priority.
   * @returns a promise for each picture
   * @throws UnclipError INPUT_* (also after {@link close}), MODEL_CONFIG_INVALID (no prior where one is needed), QUEUE_FULL when not
   *   all of them find room
   */
  submit(items: readonly DrawItem[], options?: SubmitOptions): Promise<GeneratedImage>[];
  /** Draws the pictures of a source as its reader goes on, see {@link StreamOptions}. */
  stream(
    items: Iterable<DrawItem> | AsyncIterable<DrawItem>,
    options?: StreamOptions,
  ): AsyncGenerator<PictureEvent, void, undefined>;
  /** Most pictures that are under way at once. */
  readonly capacity: number;
  /** Bytes of GPU memory that drawing holds beside what the engine of this process does. */
  readonly bufferBytes: number;
  /** Whether {@link close} was called. */
  readonly closed: boolean;
  metrics(): SchedulerMetrics;
  /** Takes no more requests, and frees what is held when those under way have ended. */
  close(): Promise<void>;
}

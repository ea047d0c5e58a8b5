import type { AdapterDescription } from '../gpu/device.js';
import type { WeightFormat } from '../graph/quantize.js';
import type { ActivationDType } from '../graph/types.js';
import { Checkpoint } from '../pipelines/checkpoint.js';
import type { DrawItem } from '../pipelines/drawing.js';
import { requireRoom } from '../pipelines/ended.js';
import type { GeneratedImage } from '../pipelines/generated-image.js';
import { packageVersion } from '../pipelines/package-version.js';
import { checkSubmission, type SubmitOptions } from '../pipelines/scheduler/options.js';
import type { PictureScheduler } from '../pipelines/scheduler/picture-scheduler.js';
import { type PictureEvent, type StreamOptions, streamPictures } from '../pipelines/scheduler/picture-stream.js';
import { Requests } from '../pipelines/scheduler/requests.js';
import { SchedulerCounts, type SchedulerMetrics } from '../pipelines/scheduler/scheduler-metrics.js';
import { UnclipError } from '../util/errors.js';
import { Distributor } from './distributor.js';
import { watchLimits } from './limits.js';
import type { WorkerDescription } from './messages.js';
import { type PoolOptions, planPool } from './options.js';
import { type Outcome, PooledPicture, type Submission } from './pooled-picture.js';
import { sumActive, sumStages } from './sums.js';

/**
 * Draws pictures in processes of their own, each with the model on a device: one queue, and whoever has room draws next. A picture
 * is the same, to the bit on adapters of one kind, whichever worker draws it.
 *
 *     const pool = await PicturePool.load('models/bundled', { workers: 2 });
 *     const images = await Promise.all(pool.submit([{ prompt: 'a red ball on the grass', seed: 1 }]));
 *     await pool.close();
 *
 * A worker that dies, whatever of, is started anew and its pictures are drawn again, by it or by others; nothing of it shows but
 * the time. A picture that takes three workers with it fails with WORKER_DIED. When this process ends, its workers do.
 */
export class PicturePool implements PictureScheduler {
  readonly model: Checkpoint;
  readonly #maxQueued: number;
  readonly #distributor: Distributor;
  readonly #workers: readonly WorkerDescription[];
  readonly #open = new Set<PooledPicture>();
  readonly #requests = new Requests();
  readonly #counts = new SchedulerCounts();
  #arrivals = 0;
  #closing: Promise<void> | undefined;
  #idle = (): void => {};

  private constructor(
    model: Checkpoint,
    distributor: Distributor,
    workers: readonly WorkerDescription[],
    maxQueued: number,
  ) {
    this.model = model;
    this.#distributor = distributor;
    this.#workers = workers;
    this.#maxQueued = maxQueued;
  }

  /**
   * Opens a model folder, and starts workers that have it loaded.
   * @throws UnclipError INPUT_INVALID, and as `Unclip.load`; WORKER_DIED when a process ends before it has loaded. None is left then
   */
  static async load(folder: string, options: PoolOptions = {}): Promise<PicturePool> {
    const { places, maxQueued, load, scheduler } = planPool(options);
    const model = Checkpoint.open(folder);
    try {
      const distributor = new Distributor({ folder, load, scheduler }, places);
      const descriptions = await distributor.start();
      if (new Set(descriptions.map(({ dtype }) => dtype)).size > 1) {
        await distributor.close();
        throw new UnclipError('INPUT_INVALID', 'dtype auto is f16 on some of the adapters and f32 on others: give one');
      }
      return new PicturePool(model, distributor, descriptions, maxQueued);
    } catch (error) {
      model.close();
      throw error;
    }
  }

  /** Of this package. */
  get version(): string {
    return packageVersion();
  }

  get dtype(): ActivationDType {
    return this.#workers[0]!.dtype;
  }

  get weights(): WeightFormat {
    return this.#workers[0]!.weights;
  }

  /** Most pictures that a worker draws in one batch. */
  get batchSize(): number {
    return this.#workers[0]!.batchSize;
  }

  /** The adapters that draw, one for each worker. */
  get adapters(): readonly AdapterDescription[] {
    return this.#workers.map(({ adapter }) => adapter);
  }

  get capacity(): number {
    return this.#workers.reduce((sum, { capacity }) => sum + capacity, 0);
  }

  /** Bytes of GPU memory that the workers hold: weights, activations, rows of pictures under way. */
  get bufferBytes(): number {
    return this.#distributor.slots.reduce((sum, { report }) => sum + report.deviceBytes, 0);
  }

  get closed(): boolean {
    return this.#closing !== undefined;
  }

  /**
   * Asks for pictures. They are one request: it shares the workers evenly with others of its priority.
   * @returns a promise for each picture
   * @throws UnclipError INPUT_* (also after {@link close}), MODEL_CONFIG_INVALID (no prior where one is needed), QUEUE_FULL when not
   *   all of them find room, NO_WORKER while no worker can be kept alive
   */
  submit(items: readonly DrawItem[], options: SubmitOptions = {}): Promise<GeneratedImage>[] {
    if (this.closed) throw new UnclipError('INPUT_INVALID', 'this pool was closed');
    const settings = checkSubmission(this.model, items, options);
    if (items.length === 0) return [];
    const copies = items.map(copyOf);
    this.#distributor.requireHope();
    requireRoom(this.#queued, items.length, this.#maxQueued);
    const account = this.#requests.open(options.request, items.length);
    const submission: Submission = { account, settings, options, submitted: performance.now() };
    const pictures: PooledPicture[] = [];
    const stop = watchLimits(options, (error) => {
      for (const picture of pictures) picture.end({ error });
    });
    let left = items.length;
    const drawn = copies.map(
      (item, index) =>
        new Promise<GeneratedImage>((resolve, reject) => {
          const picture = new PooledPicture(this.#arrivals++, item, index, submission, {
            onBegin: () => this.#counts.begin(performance.now() - submission.submitted),
            onEnd: (outcome) => {
              if (--left === 0) stop();
              this.#settle(picture, outcome);
              if ('image' in outcome) resolve(outcome.image);
              else reject(outcome.error);
            },
          });
          pictures.push(picture);
        }),
    );
    for (const picture of pictures) this.#open.add(picture);
    this.#distributor.add(pictures);
    return drawn;
  }

  /** Draws the pictures of a source as its reader goes on, see {@link StreamOptions}; as `Scheduler.stream` does. */
  stream(
    items: Iterable<DrawItem> | AsyncIterable<DrawItem>,
    options: StreamOptions = {},
  ): AsyncGenerator<PictureEvent, void, undefined> {
    return streamPictures(this, items, options);
  }

  metrics(): SchedulerMetrics {
    const reports = this.#distributor.slots.map(({ report }) => report);
    const { failed, finished, begun, queuedMs } = this.#counts;
    return {
      queued: this.#queued,
      active: sumActive(reports.map(({ active }) => active)),
      stages: sumStages(reports.map(({ stages }) => stages)),
      failed,
      finished,
      begun,
      queuedMs,
      workers: this.#distributor.slots.map(({ metrics }) => metrics),
    };
  }

  /** Takes no more requests, and ends the workers when those under way have ended. */
  close(): Promise<void> {
    this.#closing ??= this.#close();
    return this.#closing;
  }

  [Symbol.asyncDispose](): Promise<void> {
    return this.close();
  }

  async #close(): Promise<void> {
    if (this.#open.size > 0)
      await new Promise<void>((resolve) => {
        this.#idle = resolve;
      });
    await this.#distributor.close();
    this.model.close();
  }

  /** Pictures that no worker has begun. */
  get #queued(): number {
    let queued = 0;
    for (const { begun } of this.#open) if (!begun) queued++;
    return queued;
  }

  /** A picture is over. */
  #settle(picture: PooledPicture, outcome: Outcome): void {
    if ('image' in outcome) this.#counts.finished++;
    else this.#counts.fail(outcome.error);
    this.#distributor.drop(picture);
    this.#requests.close(picture.submission.account);
    this.#open.delete(picture);
    if (this.#open.size === 0) this.#idle();
  }
}

/** As it is sent, and whatever becomes of the original. @throws UnclipError INPUT_INVALID */
function copyOf(item: DrawItem): DrawItem {
  try {
    return structuredClone(item);
  } catch (cause) {
    throw new UnclipError('INPUT_INVALID', `an item cannot be sent to a worker: ${(cause as Error).message}`, {
      cause,
    });
  }
}

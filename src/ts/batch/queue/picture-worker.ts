import { UnrecoverableError, Worker } from 'bullmq';
import { UnclipError } from '../../util/errors.js';
import type { ManifestEntry } from '../manifest.js';
import type { BatchTarget, Drawer, PictureJob } from '../picture-job.js';
import { connectRedis, queueName } from './picture-queue.js';

export interface WorkerOptions {
  readonly url: string;
  readonly target: BatchTarget;
  readonly drawer: Drawer;
  /** Pictures that it works on at once: enough to fill its batches. */
  readonly concurrency: number;
  /** After this long without a sign of life of a worker, another one takes its pictures over, milliseconds. */
  readonly lockMs: number;
  readonly onPicture?: (entry: ManifestEntry) => void;
  readonly onFailure?: (message: string) => void;
}

/** How often a picture may be taken over from a dead worker before it counts as failed. */
const MOST_TAKEOVERS = 5;

/** Draws what lies on a target's queue until it is closed. */
export class PictureWorker {
  readonly #worker: Worker<PictureJob, ManifestEntry, 'picture'>;
  readonly #disconnect: () => void;

  private constructor(worker: Worker<PictureJob, ManifestEntry, 'picture'>, disconnect: () => void) {
    this.#worker = worker;
    this.#disconnect = disconnect;
  }

  /** @throws UnclipError as {@link connectRedis} */
  static async start(o: WorkerOptions): Promise<PictureWorker> {
    const connection = await connectRedis(o.url);
    const worker = new Worker<PictureJob, ManifestEntry, 'picture'>(
      queueName(o.target),
      ({ data }) => o.drawer.draw(data).catch(giveUpWhatCannotBe),
      {
        connection,
        concurrency: o.concurrency,
        lockDuration: o.lockMs,
        stalledInterval: o.lockMs,
        maxStalledCount: MOST_TAKEOVERS,
      },
    );
    worker.on('completed', (_, entry) => o.onPicture?.(entry));
    worker.on('failed', (job, error) => o.onFailure?.(`line ${job?.data.line ?? '?'}: ${error.message}`));
    worker.on('error', (error) => o.onFailure?.(error.message));
    await worker.waitUntilReady();
    return new PictureWorker(worker, () => connection.disconnect());
  }

  /** Takes no more pictures and waits for those under way. */
  async close(): Promise<void> {
    await this.#worker.close();
    this.#disconnect();
  }
}

/** Bad input is as bad at the next attempt. */
function giveUpWhatCannotBe(error: unknown): never {
  if (error instanceof UnclipError && error.code.startsWith('INPUT_')) throw new UnrecoverableError(error.message);
  throw error;
}

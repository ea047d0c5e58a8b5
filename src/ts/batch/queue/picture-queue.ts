import { Queue, QueueEvents } from 'bullmq';
import { Redis } from 'ioredis';
import { UnclipError } from '../../util/errors.js';
import type { ManifestEntry } from '../manifest.js';
import type { BatchTarget, Drawer, PictureJob } from '../picture-job.js';

/** Attempts at a picture, over all workers, before it counts as failed. */
const ATTEMPTS = 3;

/** How long a finished picture's record stays in Redis, seconds: a producer that died picks it up from there. */
const KEEP_FINISHED_S = 7 * 24 * 3600;

/**
 * Name of the queue of a target. Everything that decides a picture's bits is in it, so that a worker only ever gets pictures that
 * it draws as the producer means them.
 */
export const queueName = ({ modelHash, dtype, weights, format }: BatchTarget): string =>
  `unclip-${modelHash}-${dtype}-${weights}-${format}`;

/**
 * Opens a connection to Redis.
 * @param url such as `redis://127.0.0.1:6379`
 * @throws UnclipError INPUT_INVALID for another kind of address, QUEUE_UNREACHABLE when nobody answers
 */
export async function connectRedis(url: string): Promise<Redis> {
  if (!/^rediss?:\/\//.test(url))
    throw new UnclipError('INPUT_INVALID', `--queue is '${url}': give redis://host:port (or rediss:// for TLS)`);
  // Blocking commands have no limit of retries: BullMQ asks for that.
  const redis = new Redis(url, { lazyConnect: true, maxRetriesPerRequest: null, retryStrategy: () => null });
  let reason = '';
  redis.on('error', (error: Error) => {
    reason = error.message;
  });
  try {
    await redis.connect();
  } catch (cause) {
    redis.disconnect();
    throw new UnclipError('QUEUE_UNREACHABLE', `no Redis answers at ${withoutPassword(url)} (${reason})`, { cause });
  }
  // From here on a server that goes away is waited for.
  redis.options.retryStrategy = (times) => Math.min(100 * times, 5000);
  return redis;
}

const withoutPassword = (url: string): string => url.replace(/\/\/[^@/]*@/, '//');

/** Puts pictures on a BullMQ queue and waits for whichever worker draws them. A picture's content key is its job's id. */
export class QueueDrawer implements Drawer {
  readonly #queue: Queue<PictureJob, ManifestEntry, 'picture'>;
  readonly #events: QueueEvents;
  readonly #connections: readonly Redis[];

  private constructor(name: string, connections: readonly [Redis, Redis]) {
    this.#connections = connections;
    this.#queue = new Queue(name, { connection: connections[0] });
    this.#events = new QueueEvents(name, { connection: connections[1] });
  }

  /** @throws UnclipError as {@link connectRedis} */
  static async open(url: string, target: BatchTarget): Promise<QueueDrawer> {
    const first = await connectRedis(url);
    const drawer = new QueueDrawer(queueName(target), [first, await connectRedis(url)]);
    await drawer.#events.waitUntilReady();
    return drawer;
  }

  /** Pictures by state, of all producers. */
  counts(): Promise<Record<string, number>> {
    return this.#queue.getJobCounts('waiting', 'active', 'delayed', 'failed');
  }

  async draw(picture: PictureJob, signal?: AbortSignal): Promise<ManifestEntry> {
    const job = await this.#queue.add('picture', picture, {
      jobId: picture.key,
      attempts: ATTEMPTS,
      backoff: { type: 'exponential', delay: 1000 },
      removeOnComplete: { age: KEEP_FINISHED_S },
    });
    // One that failed in an earlier run gets its attempts again.
    if (await job.isFailed()) await job.retry('failed', { resetAttemptsMade: true });
    const aborted = new Promise<never>((_, reject) => {
      const stop = () => reject(new UnclipError('CANCELLED', 'the batch was interrupted'));
      if (signal?.aborted) stop();
      signal?.addEventListener('abort', stop, { once: true });
    });
    try {
      return await Promise.race([job.waitUntilFinished(this.#events), aborted]);
    } catch (cause) {
      if (cause instanceof UnclipError) throw cause;
      throw new UnclipError(
        'QUEUE_JOB_FAILED',
        `picture ${picture.key.slice(0, 12)} of line ${picture.line} failed: ${(cause as Error).message}`,
        {
          cause,
        },
      );
    }
  }

  async close(): Promise<void> {
    await this.#events.close();
    await this.#queue.close();
    for (const connection of this.#connections) connection.disconnect();
  }
}

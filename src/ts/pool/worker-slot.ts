import { GeneratedImage } from '../pipelines/generated-image.js';
import type { WorkerMetrics } from '../pipelines/scheduler/scheduler-metrics.js';
import { type ErrorCode, UnclipError } from '../util/errors.js';
import { DEATHS_BEFORE_ALONE, type Room } from './assign.js';
import { unpackError } from './coded-error.js';
import type { FromWorker, LoadOrder, WorkerDescription, WorkerReport } from './messages.js';
import type { PooledPicture } from './pooled-picture.js';
import { sumStages } from './sums.js';
import { WorkerProcess } from './worker-process.js';

/** What a slot tells its pool. */
export interface SlotEvents {
  /** It may have more room than before. */
  readonly onRoom: () => void;
  /** Its process has died with these pictures. @param how in words */
  readonly onDeath: (pictures: readonly PooledPicture[], how: string) => void;
}

/** Deaths in a row, without a finished picture between them, after which a worker rests before it is tried again. */
const MOST_DEATHS = 5;
/** Time to the first restart, twice as much to each further one, and a rest; milliseconds. */
const BACKOFF_MS = 100;
const REST_MS = 60_000;

/** After these a process cannot draw, while a new one may. */
const DEVICE_GONE: readonly (ErrorCode | undefined)[] = ['GPU_DEVICE_LOST', 'GPU_NO_ADAPTER'];

const NOTHING: WorkerReport = { active: {}, stages: {}, deviceBytes: 0 };

/** A worker of a pool: one process, and after its death another one in its place. */
export class WorkerSlot {
  readonly #environment: Readonly<Record<string, string>>;
  readonly #events: SlotEvents;
  #order: LoadOrder;
  #process: WorkerProcess | undefined;
  #description: WorkerDescription | undefined;
  #ready = false;
  #closing = false;
  #timer: NodeJS.Timeout | undefined;
  readonly #given = new Map<number, PooledPicture>();
  #report = NOTHING;
  /** What processes that are gone have done. */
  #past: WorkerReport['stages'] = {};
  #deathsInARow = 0;
  #restarts = 0;
  #drawn = 0;

  /** @param environment variables that make its process find its adapter */
  constructor(order: LoadOrder, environment: Readonly<Record<string, string>>, events: SlotEvents) {
    this.#order = order;
    this.#environment = environment;
    this.#events = events;
  }

  /**
   * Starts its first process. Those that follow store numbers as it does.
   * @throws UnclipError as `Unclip.load`, WORKER_DIED (it ended before it had loaded)
   */
  async start(): Promise<WorkerDescription> {
    const description = await this.#launch();
    const { dtype, weights } = description;
    this.#order = { ...this.#order, load: { ...this.#order.load, dtype, weights } };
    return description;
  }

  /** Whether it takes pictures now. */
  get alive(): boolean {
    return this.#ready;
  }

  /** Whether nothing can be expected of it for a while. */
  get resting(): boolean {
    return !this.#ready && this.#deathsInARow >= MOST_DEATHS;
  }

  get room(): Room {
    const given = [...this.#given.values()];
    const alone = given.some(({ deaths }) => deaths >= DEATHS_BEFORE_ALONE);
    return { given: given.length, capacity: this.#description!.capacity, alone };
  }

  get report(): WorkerReport {
    const { active, stages, deviceBytes } = this.#report;
    return { active, stages: sumStages([this.#past, stages]), deviceBytes };
  }

  get metrics(): WorkerMetrics {
    return {
      pid: this.#process?.pid,
      adapter: this.#description!.adapter.name,
      alive: this.#ready,
      pictures: this.#given.size,
      drawn: this.#drawn,
      restarts: this.#restarts,
    };
  }

  /** Gives it pictures, for which there is room. */
  draw(pictures: readonly PooledPicture[]): void {
    for (const picture of pictures) this.#given.set(picture.id, picture);
    this.#process?.send({ type: 'draw', pictures: pictures.map(({ order }) => order) });
  }

  /** Stops what nobody waits for any more. It takes up its room until the worker has let go of it. */
  cancel({ id }: PooledPicture): void {
    if (this.#given.has(id)) this.#process?.send({ type: 'cancel', ids: [id] });
  }

  /** Ends its process, when that has nothing to do any more. */
  async close(): Promise<void> {
    this.#closing = true;
    clearTimeout(this.#timer);
    if (this.#ready) await this.#process?.close();
    else {
      this.#process?.kill();
      await this.#process?.ended;
    }
  }

  async #launch(): Promise<WorkerDescription> {
    let failure: Error | undefined;
    const described = new Promise<WorkerDescription>((resolve) => {
      this.#process = new WorkerProcess(this.#environment, (message) => {
        if (message.type === 'ready') resolve(message);
        else if (message.type === 'failed') failure = unpackError(message.error);
        else this.#hear(message);
      });
    });
    const process = this.#process!;
    process.send({ type: 'load', ...this.#order });
    const ended = process.ended.then((how) => {
      this.#end(how);
      throw failure ?? new UnclipError('WORKER_DIED', `a worker process ended while it opened the model: ${how}`);
    });
    const description = await Promise.race([described, ended]);
    // From here on `#end` says it.
    ended.catch(() => {});
    this.#description = description;
    this.#ready = true;
    return description;
  }

  #hear(message: Exclude<FromWorker, { type: 'ready' | 'failed' }>): void {
    if (message.type === 'steps') for (const news of message.steps) this.#tell(news[0], (p) => p.tellStep(news));
    else if (message.type === 'partial') this.#tell(message.id, (p) => p.tellPartial(message.picture, message.number));
    else if (message.type === 'embedding')
      this.#tell(message.id, (p) => p.tellEmbedding(message.embedding.slice(), message.step, message.steps));
    else if (message.type === 'report') this.#report = message;
    else if (message.type === 'image') {
      this.#deathsInARow = 0;
      this.#drawn++;
      const { width, height, data, parameters } = message;
      // A copy: the array is a part of a message that may hold more.
      const image = new GeneratedImage(width, height, data.slice(), parameters);
      this.#release(message.id)?.end({ image });
      this.#events.onRoom();
    } else if (DEVICE_GONE.includes(message.error.code)) this.#process?.kill();
    else {
      this.#release(message.id)?.end({ error: unpackError(message.error) });
      this.#events.onRoom();
    }
  }

  /** Tells a picture's requester something. */
  #tell(id: number, tell: (picture: PooledPicture) => void): void {
    const picture = this.#given.get(id);
    if (picture !== undefined) tell(picture);
  }

  #release(id: number): PooledPicture | undefined {
    const picture = this.#given.get(id);
    this.#given.delete(id);
    return picture;
  }

  /** The process has ended. */
  #end(how: string): void {
    const orphans = [...this.#given.values()];
    this.#given.clear();
    this.#past = sumStages([this.#past, this.#report.stages]);
    this.#report = NOTHING;
    this.#process = undefined;
    this.#ready = false;
    if (this.#closing) return;
    this.#deathsInARow++;
    if (this.#description !== undefined) {
      const delay = this.resting ? REST_MS : BACKOFF_MS * 2 ** (this.#deathsInARow - 1);
      this.#timer = setTimeout(() => this.#restart(), delay);
    }
    this.#events.onDeath(orphans, how);
  }

  #restart(): void {
    this.#restarts++;
    this.#launch().then(
      () => this.#events.onRoom(),
      // Its end has set the time of the next one.
      () => {},
    );
  }
}

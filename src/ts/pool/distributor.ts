import { UnclipError } from '../util/errors.js';
import { assign, type Waiting } from './assign.js';
import type { LoadOrder, WorkerDescription } from './messages.js';
import type { WorkerPlace } from './options.js';
import type { PooledPicture } from './pooled-picture.js';
import { WorkerSlot } from './worker-slot.js';

/** Workers that die while they have the same picture, after which it is given up. */
const MOST_DEATHS = 3;

/** The workers of a pool, and the pictures that wait for one: whoever has room is given the next. */
export class Distributor {
  readonly slots: readonly WorkerSlot[];
  readonly #waiting: PooledPicture[] = [];
  #dispatching = false;

  /** @param places a worker each */
  constructor(order: LoadOrder, places: readonly WorkerPlace[]) {
    const events = {
      onRoom: () => this.#dispatchSoon(),
      onDeath: (pictures: readonly PooledPicture[], how: string) => this.#takeBack(pictures, how),
    };
    this.slots = places.map(({ adapter = order.load.adapter, environment }) => {
      const load = { ...order.load, adapter };
      return new WorkerSlot({ ...order, load }, environment, events);
    });
  }

  /** Starts the workers. Throws as `PicturePool.load`; then none is left. */
  async start(): Promise<WorkerDescription[]> {
    try {
      return await Promise.all(this.slots.map((slot) => slot.start()));
    } catch (error) {
      await this.close();
      throw error;
    }
  }

  /** @throws UnclipError NO_WORKER while no worker can be kept alive */
  requireHope(): void {
    if (this.#hopeless) throw noWorker();
  }

  /** Takes pictures. What comes together, or right after it, is given out together. */
  add(pictures: readonly PooledPicture[]): void {
    this.#waiting.push(...pictures);
    this.#dispatchSoon();
  }

  /** A picture that is over waits no more, and its worker lets go of it within a step. */
  drop(picture: PooledPicture): void {
    const place = this.#waiting.indexOf(picture);
    if (place >= 0) this.#waiting.splice(place, 1);
    else for (const slot of this.slots) slot.cancel(picture);
  }

  async close(): Promise<void> {
    await Promise.all(this.slots.map((slot) => slot.close()));
  }

  get #hopeless(): boolean {
    return this.slots.every(({ resting }) => resting);
  }

  #dispatchSoon(): void {
    if (this.#dispatching) return;
    this.#dispatching = true;
    queueMicrotask(() => {
      this.#dispatching = false;
      this.#dispatch();
    });
  }

  #dispatch(): void {
    if (this.#waiting.length === 0) return;
    const alive = this.slots.filter((slot) => slot.alive);
    const given = alive.map((): PooledPicture[] => []);
    const rooms = alive.map(({ room }) => room);
    for (const { picture, worker } of assign(this.#waiting.map(claimOf), rooms))
      given[worker]!.push(this.#waiting[picture]!);
    for (const picture of given.flat()) {
      picture.submission.account.begun++;
      this.#waiting.splice(this.#waiting.indexOf(picture), 1);
    }
    for (const [worker, pictures] of given.entries()) if (pictures.length > 0) alive[worker]!.draw(pictures);
  }

  /** A worker has died: what it had waits again. */
  #takeBack(pictures: readonly PooledPicture[], how: string): void {
    for (const picture of pictures.filter(({ over }) => !over)) {
      picture.deaths++;
      picture.begun = false;
      picture.submission.account.begun--;
      if (picture.deaths < MOST_DEATHS) this.#waiting.push(picture);
      else picture.end({ error: died(how) });
    }
    if (this.#hopeless) for (const picture of [...this.#waiting]) picture.end({ error: noWorker(how) });
    this.#dispatchSoon();
  }
}

const claimOf = ({ id, deaths, submission: { account, options } }: PooledPicture): Waiting => ({
  request: account.number,
  priority: options.priority ?? 0,
  deadline: options.deadline,
  arrival: id,
  begun: account.begun,
  deaths,
});

const died = (how: string): UnclipError =>
  new UnclipError('WORKER_DIED', `${MOST_DEATHS} worker processes ended while they drew the picture: ${how}`);

const noWorker = (how?: string): UnclipError =>
  new UnclipError('NO_WORKER', `worker processes end again and again${how === undefined ? '' : `: ${how}`}; try later`);

import { type Claim, chooseAdmission } from '../pipelines/scheduler/policy.js';

/** A picture that waits for a worker. */
export interface Waiting extends Claim {
  /** Pictures of its request that workers have got. */
  readonly begun: number;
  /** Workers that died while they had it. */
  readonly deaths: number;
}

/** A worker that takes pictures. */
export interface Room {
  /** Pictures that it has, and most that it may have. */
  readonly given: number;
  readonly capacity: number;
  /** Whether it has a picture that is to be alone with it. */
  readonly alone: boolean;
}

/** Index of a picture, and of the worker that gets it. */
export interface Assignment {
  readonly picture: number;
  readonly worker: number;
}

/** Deaths after which a picture is drawn by itself: whoever dies the next time, it is known of which picture. */
export const DEATHS_BEFORE_ALONE = 2;

/**
 * Which pictures go to which workers now. Pictures go by the scheduler's own policy, those of workers that died before their
 * equals, and to the worker that is filled the least. One that has seen several workers die gets a worker of its own: the emptiest
 * one takes no others until it is drawn.
 */
export function assign(waiting: readonly Waiting[], workers: readonly Room[]): Assignment[] {
  const assigned: Assignment[] = [];
  const rooms = workers.map((room, worker) => ({ ...room, worker }));
  type Vacancy = (typeof rooms)[number];
  const emptiest = (): Vacancy | undefined =>
    least(
      rooms.filter(({ alone, given, capacity }) => !alone && given < capacity),
      ({ given, capacity }) => given / capacity,
    );
  const give = (picture: number, room: Vacancy): void => {
    assigned.push({ picture, worker: room.worker });
    room.given++;
  };
  const begun = new Map<number, number>();
  const left: { readonly picture: number; readonly claim: Waiting }[] = [];
  for (const [picture, claim] of waiting.entries()) {
    begun.set(claim.request, claim.begun);
    if (claim.deaths < DEATHS_BEFORE_ALONE) {
      left.push({ picture, claim });
      continue;
    }
    const room = least(
      rooms.filter(({ alone }) => !alone),
      ({ given }) => given,
    );
    if (room === undefined) continue;
    room.alone = true;
    if (room.given === 0) give(picture, room);
  }
  for (let room = emptiest(); room !== undefined; room = emptiest()) {
    const next = chooseAdmission(
      left.map(({ claim }) => ({ ...claim, begun: claim.deaths > 0 ? -1 : begun.get(claim.request)! })),
    );
    if (next === undefined) break;
    const [{ picture, claim }] = left.splice(next, 1) as [(typeof left)[number]];
    begun.set(claim.request, begun.get(claim.request)! + 1);
    give(picture, room);
  }
  return assigned;
}

/** The first of those of which there is the least; undefined of none. */
const least = <R>(rooms: readonly R[], amount: (room: R) => number): R | undefined =>
  rooms.reduce<R | undefined>(
    (best, room) => (best === undefined || amount(room) < amount(best) ? room : best),
    undefined,
  );

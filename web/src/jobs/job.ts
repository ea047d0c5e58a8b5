import type { PriorStep, Stage } from '../api/draw.js';
import type { DrawRequest } from '../api/request.js';
import type { Entry, Frame } from '../gallery/entry.js';

/** A picture of a request while it is drawn. */
export interface JobPicture {
  /** The latest that there is to see. */
  readonly preview: Blob | undefined;
  /** How far it is; undefined until something was heard of it. */
  readonly at: { readonly stage: 'prior' | Stage; readonly step: number; readonly steps: number } | undefined;
  readonly prior: readonly PriorStep[];
  readonly frames: readonly Frame[];
  /** Once it is finished. */
  readonly entry: Entry | undefined;
}

export type JobStatus =
  /** The page has as many requests under way as it allows itself. */
  | { readonly name: 'queued' }
  | { readonly name: 'drawing' }
  /** The server has no room; asked again at a time, milliseconds since 1970. */
  | { readonly name: 'busy'; readonly message: string; readonly until: number }
  /** Goes on as soon as there is an API key. */
  | { readonly name: 'key' }
  | { readonly name: 'done' }
  | { readonly name: 'cancelled' }
  | { readonly name: 'failed'; readonly message: string; readonly lost: boolean };

/** A request for pictures, as far as it has come. */
export interface Job {
  readonly id: number;
  readonly request: DrawRequest;
  /** Where its pictures stand in the gallery. */
  readonly order: number;
  /** Milliseconds that it took; undefined until it is done. */
  readonly tookMs: number | undefined;
  /** The picture that is drawn once more. */
  readonly again: Entry | undefined;
  /** Whether what was drawn again is equal to the byte; undefined until it is known. */
  readonly same: boolean | undefined;
  readonly status: JobStatus;
  readonly pictures: readonly JobPicture[];
}

/** Whether something is still to come. */
export const isActive = ({ status: { name } }: Job): boolean =>
  name === 'queued' || name === 'drawing' || name === 'busy' || name === 'key';

export const EMPTY_PICTURE: JobPicture = {
  preview: undefined,
  at: undefined,
  prior: [],
  frames: [],
  entry: undefined,
};

/** Part of the bar that each stage has. The decoder takes most of the time. */
const SHARES = { prior: [0, 0.1], decoder: [0.1, 0.7], superRes: [0.8, 0.2] } as const;

/** How much of a job is done, 0 … 1. */
export function progressOf({ pictures }: Job): number {
  const each = pictures.map(({ at, entry }) => {
    if (entry !== undefined) return 1;
    if (at === undefined) return 0;
    const [from, share] = SHARES[at.stage];
    return from + (share * at.step) / at.steps;
  });
  return each.reduce((sum, part) => sum + part, 0) / each.length;
}

/** Places in the order of a run where a picture can wait for its next step; pictures of one place can share a batch. */
export const LANE_STAGES = ['prior', 'decoder', 'superRes', 'superResLast'] as const;

export type LaneStage = (typeof LANE_STAGES)[number];

/** What decides when a picture's turn comes. */
export interface Claim {
  /** The request that the picture belongs to: requests share the device evenly. */
  readonly request: number;
  /** Higher goes first. Default 0. */
  readonly priority: number;
  /** Clock time by which it must be finished, milliseconds; undefined: whenever. */
  readonly deadline: number | undefined;
  /** Order of arrival. */
  readonly arrival: number;
}

/** A picture at a step boundary. */
export interface Ready extends Claim {
  readonly stage: LaneStage;
  /** What pictures of one batch must have in common beside the stage: whether guidance doubles the rows. */
  readonly guided: boolean;
  /** When it came to this boundary, milliseconds. */
  readonly since: number;
  /** Steps that its request has had so far, over all of its pictures. */
  readonly served: number;
}

export interface PolicyOptions {
  /** Most pictures in a batch. */
  readonly maxBatch: number;
  /** Longest that a picture is held at a step boundary so that others can join it, milliseconds. */
  readonly queueDelayMs: number;
}

/** Order of two claims: priority, then deadline. */
const byUrgency = (a: Claim, b: Claim): number =>
  b.priority - a.priority || (a.deadline ?? Number.MAX_VALUE) - (b.deadline ?? Number.MAX_VALUE);

/**
 * Which pictures take the next step, all of one stage.
 *
 * A picture that has been held for longer than the queue delay takes its stage's turn, the most urgent first. Else a stage that
 * can fill a batch goes, the furthest first, since that frees memory. Else the earliest stage goes: its pictures catch up with
 * those held further on, and then share their batches.
 * @returns indices into `ready`, at most `maxBatch`; empty only when `ready` is
 */
export function chooseBatch(ready: readonly Ready[], now: number, options: PolicyOptions): number[] {
  const groups = new Map<string, number[]>();
  for (const [i, { stage, guided }] of ready.entries()) {
    const key = `${stage}/${guided}`;
    const group = groups.get(key);
    if (group === undefined) groups.set(key, [i]);
    else group.push(i);
  }
  const stageOf = (group: readonly number[]): number => LANE_STAGES.indexOf(ready[group[0]!]!.stage);
  const ordered = [...groups.values()].sort((a, b) => stageOf(a) - stageOf(b));
  const overdue = ready.map((_, i) => i).filter((i) => now - ready[i]!.since > options.queueDelayMs);
  overdue.sort((a, b) => byUrgency(ready[a]!, ready[b]!) || ready[a]!.since - ready[b]!.since);
  const group =
    ordered.find((members) => overdue[0] !== undefined && members.includes(overdue[0])) ??
    ordered.findLast((members) => members.length >= options.maxBatch) ??
    ordered[0] ??
    [];
  return fairest(ready, group).slice(0, options.maxBatch);
}

/** Members of a group in the order in which they get a seat: urgent ones, then those whose request has had the least. */
function fairest(ready: readonly Ready[], group: readonly number[]): number[] {
  return [...group].sort((a, b) => {
    const [x, y] = [ready[a]!, ready[b]!];
    return byUrgency(x, y) || x.served - y.served || x.arrival - y.arrival;
  });
}

/** A picture that has not begun. */
export interface Queued extends Claim {
  /** Pictures of its request that have begun, finished ones included. */
  readonly begun: number;
}

/**
 * Which of the pictures that wait to begin is next: the most urgent; among equals that of the request with the fewest begun; the
 * earliest of those.
 * @returns an index into `queued`, undefined when it is empty
 */
export function chooseAdmission(queued: readonly Queued[]): number | undefined {
  let best: number | undefined;
  for (const [i, claim] of queued.entries()) {
    const other = best === undefined ? undefined : queued[best]!;
    if (other === undefined || precedes(claim, other)) best = i;
  }
  return best;
}

const precedes = (a: Queued, b: Queued): boolean => (byUrgency(a, b) || a.begun - b.begun || a.arrival - b.arrival) < 0;

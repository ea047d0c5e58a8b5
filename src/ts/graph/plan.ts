/** Storage offsets on every WebGPU device may be multiples of 256. */
export const ALIGNMENT = 256;

export const align = (bytes: number): number => Math.ceil(bytes / ALIGNMENT) * ALIGNMENT;

/** One temporary: its size and the first and last execution step (inclusive) at which its bytes matter. */
export interface Interval {
  readonly id: number;
  readonly bytes: number;
  readonly first: number;
  readonly last: number;
}

export interface MemoryPlan {
  /** Byte offset in the arena of every interval's tensor. */
  readonly offsets: ReadonlyMap<number, number>;
  readonly arenaBytes: number;
  /** Most bytes alive at any one step: no plan can need less. */
  readonly lowerBoundBytes: number;
}

/** Above this ratio to the lower bound the planner looks for a better order. */
const GOOD_ENOUGH = 1.02;
const SHUFFLES = 60;

/**
 * Places intervals in one arena so that those alive at the same step do not overlap. Greedy, largest first at the lowest offset
 * that fits; several orders are tried and the smallest arena is kept (deterministic: the shuffles are seeded).
 */
export function planMemory(intervals: readonly Interval[]): MemoryPlan {
  const sized = intervals.map((i) => ({ ...i, bytes: align(i.bytes) }));
  const lowerBoundBytes = lowerBound(sized);
  const span = (i: Interval): number => i.last - i.first + 1;
  const orders: ((a: Interval, b: Interval) => number)[] = [
    (a, b) => b.bytes - a.bytes || a.first - b.first,
    (a, b) => b.bytes * span(b) - a.bytes * span(a) || a.first - b.first,
    (a, b) => span(b) - span(a) || b.bytes - a.bytes,
    (a, b) => a.first - b.first || b.bytes - a.bytes,
  ];
  let best: MemoryPlan | undefined;
  const consider = (order: readonly Interval[]): void => {
    const { offsets, arenaBytes } = place(order);
    if (best === undefined || arenaBytes < best.arenaBytes) best = { offsets, arenaBytes, lowerBoundBytes };
  };
  for (const order of orders) consider([...sized].sort(order));
  const random = lcg(1);
  for (let k = 0; k < SHUFFLES && best!.arenaBytes > lowerBoundBytes * GOOD_ENOUGH; k++) {
    const weight = new Map(sized.map((i) => [i.id, i.bytes * (0.5 + random())]));
    consider([...sized].sort((a, b) => weight.get(b.id)! - weight.get(a.id)!));
  }
  return best ?? { offsets: new Map(), arenaBytes: 0, lowerBoundBytes: 0 };
}

function place(order: readonly Interval[]): { offsets: Map<number, number>; arenaBytes: number } {
  const offsets = new Map<number, number>();
  const placed: { first: number; last: number; begin: number; end: number }[] = [];
  let arenaBytes = 0;
  for (const item of order) {
    const others = placed.filter((p) => p.first <= item.last && item.first <= p.last);
    let offset = 0;
    for (const p of others) {
      if (p.begin - offset >= item.bytes) break;
      offset = Math.max(offset, p.end);
    }
    offsets.set(item.id, offset);
    const entry = { first: item.first, last: item.last, begin: offset, end: offset + item.bytes };
    // Kept sorted by offset, so that the scan above sees the gaps in order.
    let at = placed.length;
    while (at > 0 && placed[at - 1]!.begin > entry.begin) at--;
    placed.splice(at, 0, entry);
    arenaBytes = Math.max(arenaBytes, entry.end);
  }
  return { offsets, arenaBytes };
}

function lowerBound(intervals: readonly Interval[]): number {
  const delta = new Map<number, number>();
  for (const i of intervals) {
    delta.set(i.first, (delta.get(i.first) ?? 0) + i.bytes);
    delta.set(i.last + 1, (delta.get(i.last + 1) ?? 0) - i.bytes);
  }
  let live = 0;
  let peak = 0;
  for (const step of [...delta.keys()].sort((a, b) => a - b)) {
    live += delta.get(step)!;
    peak = Math.max(peak, live);
  }
  return peak;
}

function lcg(seed: number): () => number {
  let state = seed;
  return () => {
    state = (Math.imul(state, 1664525) + 1013904223) >>> 0;
    return state / 2 ** 32;
  };
}

import { subgroupRange } from '../subgroup-range.js';
import type { DeviceCaps, Tuning } from '../types.js';

/** How the subgroup norms share out a row, or a group: shaders/norm/reduce.wgsl. */
export interface SharedRow extends Tuning {
  /** Lanes that share it: whole subgroups. */
  readonly ROW_LANES: number;
  /** Vals a lane keeps in registers: a power of two, so that few pipelines serve all widths. */
  readonly ITEMS: number;
}

/** Numbers a lane keeps at most: a quarter of the registers that a GPU has for it. */
const MAX_NUMBERS = 64;

/** Few enough that the epilogues' code stays short, enough that a lane's loads overlap. */
const WANTED_ITEMS = 4;

const powerOfTwo = (n: number): number => 2 ** Math.ceil(Math.log2(Math.max(1, n)));

/**
 * Ways to share `vals` vectors of `width` elements among the lanes of a workgroup, the one that promises most first; empty
 * where there is none.
 */
export function sharedRows(vals: number, width: number, caps: DeviceCaps): readonly SharedRow[] {
  const range = subgroupRange(caps);
  if (range === undefined) return [];
  const ways: SharedRow[] = [];
  for (let ROW_LANES = range.most; ROW_LANES <= Math.min(1024, caps.maxInvocations); ROW_LANES *= 2) {
    const ITEMS = powerOfTwo(Math.ceil(vals / ROW_LANES));
    if (ITEMS * width <= MAX_NUMBERS) ways.push({ ROW_LANES, ITEMS });
    if (ITEMS === 1) break;
  }
  const distance = (w: SharedRow): number => Math.abs(Math.log2(w.ITEMS / WANTED_ITEMS));
  return ways.sort((a, b) => distance(a) - distance(b) || a.ROW_LANES - b.ROW_LANES);
}

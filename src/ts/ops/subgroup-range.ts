import type { DeviceCaps } from './types.js';

/** Sizes that a subgroup may have when a kernel runs: powers of two. */
export interface SubgroupRange {
  readonly least: number;
  readonly most: number;
}

/** WGSL's smallest subgroup. */
const SMALLEST = 4;

/** Sizes of an adapter's subgroups, one where it is fixed; undefined without subgroups. */
export function subgroupRange({ subgroups, subgroupSize, subgroupMaxSize }: DeviceCaps): SubgroupRange | undefined {
  if (!subgroups) return undefined;
  return subgroupSize > 0 ? { least: subgroupSize, most: subgroupSize } : { least: SMALLEST, most: subgroupMaxSize };
}

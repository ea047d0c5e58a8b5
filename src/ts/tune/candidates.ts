import { isPreferred, variantRuns } from '../graph/compile.js';
import type { Choice, DeviceCaps, OpCall, OpRecord, Tuning, Variant } from '../ops/types.js';

/** Tunings of a variant for a call; one empty one where there is nothing to choose. */
const tuningsOf = (variant: Variant, call: OpCall, caps: DeviceCaps): readonly Tuning[] => {
  const tunings = variant.tunings?.(call, caps) ?? [];
  return tunings.length > 0 ? tunings : [{}];
};

const isForCpu = ({ name }: Variant): boolean => name.split('-').includes('cpu');

/**
 * Everything that could carry out a call, the static heuristic's choice first.
 *
 * Kernels for GPUs take seconds to compile on CPU drivers and lose by far there: unless `allVariants`, only the variant that the
 * heuristic takes and those written for CPUs (with `cpu` in their names) are tried on one. So with variants that say themselves
 * that they are not preferred, on any adapter.
 */
export function candidates(record: OpRecord, call: OpCall, caps: DeviceCaps, allVariants = false): Choice[] {
  const able = record.variants.filter((v) => variantRuns(v, call, caps));
  const preferred = able.filter((v) => isPreferred(v, call, caps));
  const others = able.filter((v) => !preferred.includes(v));
  const inOrder = [...preferred, ...others];
  const worthIt = (variant: Variant, i: number): boolean =>
    i === 0 || allVariants || (preferred.includes(variant) && (!caps.software || isForCpu(variant)));
  return inOrder
    .filter(worthIt)
    .flatMap((variant) => tuningsOf(variant, call, caps).map((tuning) => ({ variant: variant.name, tuning })));
}

/** Whether a choice, from a file perhaps, is one that the variants of today offer for this call. */
export function isCandidate({ variant, tuning }: Choice, record: OpRecord, call: OpCall, caps: DeviceCaps): boolean {
  const found = record.variants.find((v) => v.name === variant);
  if (found === undefined || !variantRuns(found, call, caps)) return false;
  return tuningsOf(found, call, caps).some((known) => sameTuning(known, tuning));
}

const sameTuning = (a: Tuning, b: Tuning): boolean => describeTuning(a) === describeTuning(b);

/** `BM=64 BN=32`; empty where there is nothing to choose. */
export const describeTuning = (tuning: Tuning): string =>
  Object.keys(tuning)
    .sort()
    .map((name) => `${name}=${tuning[name]}`)
    .join(' ');

export const sameChoice = (a: Choice, b: Choice): boolean => a.variant === b.variant && sameTuning(a.tuning, b.tuning);

/** `cpu ROWS=16`. */
export const describeChoice = ({ variant, tuning }: Choice): string => `${variant} ${describeTuning(tuning)}`.trimEnd();

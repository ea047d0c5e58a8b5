import type { Runtime } from '../runtime/runtime.js';
import { TuningTable, tuningKey } from '../tune/tuning-table.js';
import { UnclipError } from '../util/errors.js';

/** Where the choice of kernels and tile sizes comes from; see LoadOptions. */
export type Tuning = 'off' | 'cached' | 'search';

/** What was asked for. @throws UnclipError INPUT_INVALID when it contradicts itself or is not known */
export function tuningMode(tuning: Tuning | undefined, deterministic: boolean): Tuning {
  if (tuning !== undefined && !['off', 'cached', 'search'].includes(tuning))
    throw new UnclipError('INPUT_INVALID', `tuning is '${tuning}': give off, cached or search`);
  if (deterministic && tuning !== undefined && tuning !== 'off')
    throw new UnclipError('INPUT_INVALID', `deterministic and tuning '${tuning}' exclude each other; leave one out`);
  return deterministic ? 'off' : (tuning ?? 'cached');
}

/** Lets a runtime choose by what was measured on its adapter. */
export function useTuning(runtime: Runtime): TuningTable {
  const table = TuningTable.open(tuningKey(runtime.device.adapter));
  runtime.choose = (record, call) => table.choose(record, call, runtime.caps);
  return table;
}

import type { ActivationDType } from '../graph/types.js';
import type { Runtime } from '../runtime/runtime.js';
import type { Bars } from './bars.js';
import type { Report } from './compare.js';

/** What a check on a device is given. */
export interface DeviceContext {
  readonly runtime: Runtime;
  readonly dtype: ActivationDType;
  readonly bars: Bars;
  readonly report: Report;
}

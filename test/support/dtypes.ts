import type { ActivationDType } from '../../src/ts/graph/types.js';
import { testRuntime } from './op-harness.js';

/** Storage types that the adapter of these tests has: not every one has f16. */
export const DTYPES: readonly ActivationDType[] = (await testRuntime()).device.caps.f16 ? ['f32', 'f16'] : ['f32'];

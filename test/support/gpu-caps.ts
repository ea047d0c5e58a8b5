import type { DeviceCaps } from '../../src/ts/ops/types.js';

/** A large GPU without matrix units, as far as compiling cares. */
export const GPU: DeviceCaps = {
  subgroupSize: 32,
  subgroups: true,
  subgroupMaxSize: 32,
  matrixConfigs: [],
  f16: true,
  software: false,
  maxBindingBytes: 2 ** 31 - 4,
  maxWorkgroupBytes: 32768,
  maxInvocations: 1024,
};

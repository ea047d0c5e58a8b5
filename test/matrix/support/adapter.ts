import { describe } from 'vitest';
import { matrixShapes } from '../../../src/ts/ops/matmul/matrix-tile.js';
import { testRuntime } from '../../support/op-harness.js';

const { caps, adapter } = (await testRuntime()).device;
const [shape] = matrixShapes(caps);

// `npm run test:matrix` is for adapters with matrix units: there, running nothing is a failure.
if (shape === undefined && process.env.UNCLIP_REQUIRE_MATRIX === '1')
  throw new Error(
    `the adapter '${adapter.name}' has no matrix units (chromium-experimental-subgroup-matrix with f16 operands and f32 sums); ` +
      'run these tests on a GPU that has, or on a CPU driver of Mesa 26 or newer',
  );

export { caps };

/** `describe` where the adapter has matrix units; elsewhere the tests are skipped, and a line says why. */
export const describeMatrix = (title: string, body: () => void): void => {
  if (shape !== undefined) return void describe(title, body);
  console.log(`${title}: skipped, since '${adapter.name}' has no matrix units`);
  describe.skip(title, body);
};

const { M = 8, N = 8, K = 8 } = shape ?? {};

/** The adapter's shape of matrices. */
export const MATRIX = { M, N, K } as const;

/**
 * Tiles of few matrices, made of the adapter's own: a CPU driver compiles the large tiles of a GPU for minutes. Between them they take
 * every path: one and several matrices a subgroup, sums that leave in several strips, fewer operands than invocations, one half of
 * workgroup memory and two.
 */
export const SMALL_TUNINGS = {
  'one matrix a subgroup': { BM: 2 * M, BN: 2 * N, BK: 2 * K, WM: M, WN: N, STAGES: 2 },
  'more invocations than operands': { BM: 2 * M, BN: 2 * N, BK: K, WM: M, WN: N, STAGES: 1 },
  'two by two matrices, one half': { BM: 2 * M, BN: 4 * N, BK: 2 * K, WM: 2 * M, WN: 2 * N, STAGES: 1 },
  'four strips': { BM: 2 * M, BN: 4 * N, BK: K, WM: M, WN: 4 * N, STAGES: 2 },
  'three slices': { BM: 2 * M, BN: 2 * N, BK: K, WM: M, WN: N, STAGES: 2, SLICES: 3 },
} as const;

export type SmallTuning = keyof typeof SMALL_TUNINGS;

/** A tuning with the adapter's shape of matrices. */
export const tuningOf = (name: SmallTuning) => ({ SLICES: 1, ...SMALL_TUNINGS[name], MAT_M: M, MAT_N: N, MAT_K: K });

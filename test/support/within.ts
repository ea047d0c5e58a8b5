import { expect } from 'vitest';
import type { ActivationDType } from '../../src/ts/graph/types.js';
import { findOp } from '../../src/ts/ops/registry.js';
import { errors } from './op-harness.js';

/** Expects a result to be as near its reference as the op's record promises. */
export function expectWithin(
  op: string,
  dtype: ActivationDType,
  result: ArrayLike<number>,
  reference: ArrayLike<number>,
): void {
  const { relL2, maxAbs } = errors(result, reference);
  const tolerance = findOp(op).tolerance[dtype];
  expect(relL2, `${op} ${dtype} relative L2`).toBeLessThanOrEqual(tolerance.relL2);
  expect(maxAbs, `${op} ${dtype} largest error`).toBeLessThanOrEqual(tolerance.maxAbs);
}

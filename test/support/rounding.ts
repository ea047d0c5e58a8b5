import type { ActivationDType } from '../../src/ts/graph/types.js';
import { fromHalfArray, toHalfArray } from '../../src/ts/util/half.js';
import { randomArray } from './op-harness.js';

/** The values that a tensor of `dtype` holds for `values`: a reference starts from them, so that only the kernel's error counts. */
export const stored = (values: Float32Array, dtype: ActivationDType): Float32Array =>
  dtype === 'f16' ? fromHalfArray(toHalfArray(values)) : values;

/** Seeded numbers of unit variance, exactly representable in `dtype`. */
export const randomStored = (length: number, seed: number, dtype: ActivationDType): Float32Array =>
  stored(randomArray(length, seed), dtype);

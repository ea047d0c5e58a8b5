import type { StoredDType } from '../native/addon.js';
import type { TensorFile } from './tensor-file.js';

/** A stored tensor: its shape in PyTorch's order and where it lies. */
export interface StoredTensor {
  name: string;
  dtype: StoredDType;
  shape: readonly number[];
  file: TensorFile;
  bytes: number;
}

/** Where packing takes its tensors from. */
export interface TensorSource {
  /** @throws UnclipError MODEL_TENSOR_MISSING, MODEL_TENSOR_SHAPE */
  get(name: string, shape?: readonly number[]): StoredTensor;
}

import type { StoredDType, TensorPart } from '../native/addon.js';
import type { TensorFile } from './tensor-file.js';

/** A stored tensor: its shape in PyTorch's order and where it lies. */
export interface StoredTensor {
  name: string;
  dtype: StoredDType;
  shape: readonly number[];
  file: TensorFile;
  bytes: number;
  /** Set where the tensor is a part of the one that the file holds under `name`. */
  part?: TensorPart;
}

/** Where packing takes its tensors from. */
export interface TensorSource {
  /** @throws UnclipError MODEL_TENSOR_MISSING, MODEL_TENSOR_SHAPE */
  get(name: string, shape?: readonly number[]): StoredTensor;
}

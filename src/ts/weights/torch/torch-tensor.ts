import { elementCount } from '../../graph/types.js';
import type { StoredDType } from '../../native/addon.js';
import { FormatError } from './format-error.js';
import { PickleTuple } from './pickle-values.js';

export const DTYPE_BYTES: Readonly<Record<StoredDType, number>> = {
  F64: 8,
  F32: 4,
  F16: 2,
  BF16: 2,
  I64: 8,
  I32: 4,
  I16: 2,
  I8: 1,
  U8: 1,
  BOOL: 1,
};

/** Flat elements in a file, which tensors are views of. */
export interface TorchStorage {
  readonly key: string;
  readonly dtype: StoredDType;
  /** Elements. */
  readonly length: number;
  /** First byte in the file; in a pre-zip file it is known only once the pickle has been read. */
  begin: number;
}

/** A view of a storage, as torch._utils._rebuild_tensor_v2 makes one; strides and offset count elements. */
export interface TorchTensor {
  readonly storage: TorchStorage;
  readonly offset: number;
  readonly shape: readonly number[];
  readonly strides: readonly number[];
}

const MAX_RANK = 32;
const tensors = new WeakSet<object>();

export const isTorchTensor = (value: unknown): value is TorchTensor =>
  typeof value === 'object' && value !== null && tensors.has(value);

const storages = new WeakSet<object>();

export const isTorchStorage = (value: unknown): value is TorchStorage =>
  typeof value === 'object' && value !== null && storages.has(value);

export function makeStorage(key: string, dtype: StoredDType, length: number, begin: number): TorchStorage {
  const storage = { key, dtype, length, begin };
  storages.add(storage);
  return storage;
}

/**
 * The arguments of _rebuild_tensor (storage, offset, size, stride) or of its later forms, which have more behind these.
 * @throws FormatError where the view leaves its storage, or has more elements than that (which a stride of 0 could do)
 */
export function makeTensor(args: readonly unknown[]): TorchTensor {
  const [storage, offset, size, stride] = args;
  if (!isTorchStorage(storage)) throw new FormatError('it rebuilds a tensor from what is no storage');
  const [shape, strides] = [extents(size), extents(stride)];
  if (shape.length !== strides.length)
    throw new FormatError(`a tensor has ${shape.length} dimensions, but ${strides.length} strides`);
  const first = extent(offset);
  let count = 1;
  let last = first;
  for (let d = 0; d < shape.length; d++) {
    count *= shape[d]!;
    last += (shape[d]! - 1) * strides[d]!;
  }
  if (count > storage.length)
    throw new FormatError(
      `a tensor of [${shape}] has more elements than its storage, which holds ${storage.length}; save it .contiguous()`,
    );
  if (count > 0 && !(last < storage.length))
    throw new FormatError(`a tensor of [${shape}] reaches beyond its storage, which holds ${storage.length} elements`);
  const tensor = { storage, offset: first, shape, strides };
  tensors.add(tensor);
  return tensor;
}

function extents(value: unknown): number[] {
  if (!(value instanceof PickleTuple) || value.items.length > MAX_RANK) throw new FormatError('a tensor has no shape');
  return value.items.map(extent);
}

function extent(value: unknown): number {
  if (typeof value !== 'number' || !Number.isSafeInteger(value) || value < 0)
    throw new FormatError('a tensor has a size that is none');
  return value;
}

/** Whether the elements lie one after the other in row-major order. */
export function isContiguous({ shape, strides }: TorchTensor): boolean {
  let expected = 1;
  for (let d = shape.length - 1; d >= 0; d--) {
    if (shape[d] !== 1 && strides[d] !== expected) return false;
    expected *= shape[d]!;
  }
  return true;
}

/**
 * The elements of a view in row-major order.
 * @param bytes the storage's bytes from the view's first element on
 */
export function gather(tensor: TorchTensor, bytes: Buffer): Buffer {
  const { shape, strides } = tensor;
  const size = DTYPE_BYTES[tensor.storage.dtype];
  const count = elementCount(shape);
  const out = Buffer.allocUnsafe(count * size);
  const index = new Array<number>(shape.length).fill(0);
  let from = 0;
  for (let i = 0; i < count; i++) {
    bytes.copy(out, i * size, from * size, (from + 1) * size);
    for (let d = shape.length - 1; d >= 0; d--) {
      from += strides[d]!;
      if (++index[d]! < shape[d]!) break;
      from -= strides[d]! * shape[d]!;
      index[d] = 0;
    }
  }
  return out;
}

/** Elements from the first to the last that a view reaches. */
export const reach = ({ shape, strides }: TorchTensor): number =>
  shape.includes(0) ? 0 : shape.reduce((sum, extent, d) => sum + (extent - 1) * strides[d]!, 1);

import type { WeightRequest } from '../graph/weights-spec.js';
import { UnclipError } from '../util/errors.js';
import { packInto } from './pack.js';
import { describeShape, sameShape } from './shape.js';
import type { StoredTensor, TensorSource } from './stored-tensor.js';
import type { Weights } from './weights.js';

/** Which stored tensor stands for a network's, and how. */
export interface TensorRole {
  /** Name in the file. */
  readonly name: string;
  /** The network's tensor is so many equal parts' `index`-th, along the first dimension. */
  readonly rows?: { readonly index: number; readonly of: number };
  /** The file has the matrix transposed. */
  readonly transposed?: boolean;
}

/** A checkpoint whose tensors have other names, or lie otherwise, than the networks ask for. Nothing is copied. */
export class MappedWeights implements TensorSource {
  readonly #weights: Weights;
  readonly #roleOf: (name: string) => TensorRole | undefined;

  /** @param roleOf where the file has the tensor that a network calls `name` */
  constructor(weights: Weights, roleOf: (name: string) => TensorRole | undefined) {
    this.#weights = weights;
    this.#roleOf = roleOf;
  }

  /** @throws UnclipError MODEL_TENSOR_MISSING, MODEL_TENSOR_SHAPE */
  get(name: string, shape?: readonly number[]): StoredTensor {
    const role = this.#roleOf(name);
    if (role === undefined)
      throw new UnclipError('MODEL_TENSOR_MISSING', `${this.#weights.folder} has no tensor in the place of ${name}`);
    const mapped = mappedTensor(this.#weights.get(role.name), role);
    if (mapped === undefined || (shape !== undefined && !sameShape(mapped.shape, shape))) {
      const stored = describeShape(this.#weights.get(role.name).shape);
      const wanted = shape === undefined ? 'another shape' : `one that gives ${describeShape(shape)}`;
      throw new UnclipError(
        'MODEL_TENSOR_SHAPE',
        `${this.#weights.folder}: ${role.name} is ${stored}, expected ${wanted}; the checkpoint may be another model's`,
      );
    }
    return mapped;
  }

  /** As {@link Weights.pack}. */
  pack(request: WeightRequest, destination: Uint8Array, dtype: 'f32' | 'f16'): void {
    packInto(this, request, destination, dtype);
  }
}

/** The stored tensor in its role; undefined where its shape does not allow that. */
function mappedTensor(stored: StoredTensor, { rows, transposed }: TensorRole): StoredTensor | undefined {
  if (rows === undefined && !transposed) return stored;
  const [height = 0, ...rest] = stored.shape;
  if (height % (rows?.of ?? 1) !== 0 || (transposed && rest.length !== 1)) return undefined;
  const part = height / (rows?.of ?? 1);
  const inner = rest.reduce((a, b) => a * b, 1);
  return {
    ...stored,
    shape: transposed ? [...rest, part] : [part, ...rest],
    bytes: stored.bytes / (rows?.of ?? 1),
    part: { first: part * inner * (rows?.index ?? 0), elements: part * inner, columns: transposed ? inner : 0 },
  };
}

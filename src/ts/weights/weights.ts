import type { WeightRequest } from '../graph/weights-spec.js';
import { UnclipError } from '../util/errors.js';
import { findCheckpoint, isTorchName } from './checkpoint-files.js';
import { packInto } from './pack.js';
import { SafetensorsFile } from './safetensors-file.js';
import { describeShape, sameShape } from './shape.js';
import type { StoredTensor, TensorSource } from './stored-tensor.js';
import type { TensorFile } from './tensor-file.js';
import { TorchFile } from './torch/torch-file.js';

/** The named tensors of one network's checkpoint, of one file or of several shards. Nothing is read before it is asked for. */
export class Weights implements TensorSource {
  readonly folder: string;
  readonly #files: readonly TensorFile[];
  readonly #tensors: ReadonlyMap<string, StoredTensor>;
  readonly #used = new Set<string>();

  constructor(folder: string, files: readonly TensorFile[], tensors: ReadonlyMap<string, StoredTensor>) {
    this.folder = folder;
    this.#files = files;
    this.#tensors = tensors;
  }

  has(name: string): boolean {
    return this.#tensors.has(name);
  }

  names(): string[] {
    return [...this.#tensors.keys()];
  }

  /** Bytes of all tensors as stored. */
  get bytes(): number {
    let sum = 0;
    for (const tensor of this.#tensors.values()) sum += tensor.bytes;
    return sum;
  }

  /**
   * The tensor called `name`, from now on counted as used.
   * @param shape the shape that it must have; a trailing 1×1 kernel may be absent on either side
   * @throws UnclipError MODEL_TENSOR_MISSING, MODEL_TENSOR_SHAPE
   */
  get(name: string, shape?: readonly number[]): StoredTensor {
    const tensor = this.#tensors.get(name);
    if (tensor === undefined) {
      throw new UnclipError(
        'MODEL_TENSOR_MISSING',
        `${this.folder} has no tensor ${name}; its config.json may belong to another model`,
      );
    }
    if (shape !== undefined && !sameShape(tensor.shape, shape)) {
      throw new UnclipError(
        'MODEL_TENSOR_SHAPE',
        `${this.folder}: ${name} is ${describeShape(tensor.shape)}, expected ${describeShape(shape)}; its config.json may belong to another model`,
      );
    }
    this.#used.add(name);
    return tensor;
  }

  /** The values of a tensor as f32, flat, in PyTorch's order. Throws as get does. */
  read(name: string, shape?: readonly number[]): Float32Array {
    const tensor = this.get(name, shape);
    const count = tensor.shape.reduce((a, b) => a * b, 1);
    const out = new Float32Array(count);
    tensor.file.copy(name, new Uint8Array(out.buffer), { f16: false, byteOffset: 0, zeros: 0 });
    return out;
  }

  /**
   * Writes the packed tensor that `request` describes into `destination`; see packInto.
   * @throws UnclipError MODEL_TENSOR_MISSING, MODEL_TENSOR_SHAPE, MODEL_TENSOR_DTYPE, INPUT_INVALID
   */
  pack(request: WeightRequest, destination: Uint8Array, dtype: 'f32' | 'f16'): void {
    packInto(this, request, destination, dtype);
  }

  /** Names that nobody asked for: what a wrong config leaves over. */
  unused(): string[] {
    return this.names().filter((name) => !this.#used.has(name));
  }

  /** Unmaps all files. Safe to call twice. */
  close(): void {
    for (const file of this.#files) file.close();
  }
}

/**
 * Opens a network's checkpoint and checks all of its headers; see findCheckpoint for the names looked for.
 * @param folder e.g. `<model>/decoder`, or a file
 * @param stem file name before its ending, where it is not a usual one
 * @throws UnclipError MODEL_NOT_FOUND, MODEL_FILE_MISSING, MODEL_FILE_INVALID, IO_FAILED
 */
export function openWeights(folder: string, stem?: string): Weights {
  const found = findCheckpoint(folder, stem);
  const files = new Map<string, TensorFile>();
  try {
    for (const path of found.files) files.set(path, openFile(path));
    const tensors = new Map<string, StoredTensor>();
    const add = (name: string, file: TensorFile) => tensors.set(name, { ...file.info(name), file });
    if (found.tensors === undefined) {
      for (const file of files.values()) for (const { name } of file.tensors) add(name, file);
    } else {
      for (const [name, path] of found.tensors) {
        const file = files.get(path)!;
        if (!file.has(name)) {
          throw new UnclipError(
            'MODEL_FILE_INVALID',
            `${path} lacks ${name}, which the index says it holds; fetch it again`,
          );
        }
        add(name, file);
      }
    }
    return new Weights(folder, [...files.values()], tensors);
  } catch (error) {
    for (const file of files.values()) file.close();
    throw error;
  }
}

const openFile = (path: string): TensorFile => (isTorchName(path) ? new TorchFile(path) : new SafetensorsFile(path));

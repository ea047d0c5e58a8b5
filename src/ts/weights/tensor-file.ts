import type {
  CopyOptions,
  NativeTensorFile,
  NativeTensorInfo,
  PackOptions,
  PackQuantizedOptions,
  ScaleOptions,
} from '../native/addon.js';
import { withSubject } from '../native/errors.js';
import { UnclipError } from '../util/errors.js';

/** A tensor of an open file. */
export interface Placed {
  readonly native: NativeTensorFile;
  readonly index: number;
}

/** One file of stored tensors, whatever its format. Errors name the file. */
export class TensorFile {
  readonly path: string;
  readonly tensors: readonly NativeTensorInfo[];
  readonly #native: NativeTensorFile;
  readonly #index: ReadonlyMap<string, number>;

  /** @param tensors in the order of `native`'s */
  constructor(path: string, native: NativeTensorFile, tensors: readonly NativeTensorInfo[]) {
    this.path = path;
    this.tensors = tensors;
    this.#native = native;
    this.#index = new Map(tensors.map((tensor, i) => [tensor.name, i]));
  }

  has(name: string): boolean {
    return this.#index.has(name);
  }

  /** @throws UnclipError MODEL_TENSOR_MISSING */
  info(name: string): NativeTensorInfo {
    return this.tensors[this.#indexOf(name)]!;
  }

  /**
   * Converts a tensor into `destination`; see {@link CopyOptions}.
   * @throws UnclipError MODEL_TENSOR_DTYPE where finite values exceed the target's range; INPUT_INVALID where it does not fit
   */
  copy(name: string, destination: Uint8Array, options: CopyOptions): void {
    const lost = this.#call(name, (file, index) => file.copy(index, destination, options));
    this.#requireInRange(name, lost, options.f16);
  }

  /** Packs a weight matrix into `destination`; see {@link PackOptions}. Throws as copy does. */
  pack(name: string, destination: Uint8Array, options: PackOptions): void {
    const lost = this.#call(name, (file, index) => file.pack(index, destination, options));
    this.#requireInRange(name, lost, options.f16);
  }

  /**
   * Packs a weight matrix into `destination` as int8; see {@link PackOptions}.
   * @throws UnclipError MODEL_TENSOR_DTYPE where values are not finite; INPUT_INVALID where it does not fit
   */
  packQuantized(name: string, destination: Uint8Array, options: PackQuantizedOptions): void {
    const lost = this.#call(name, (file, index) => file.packQuantized(index, destination, options));
    this.#requireFinite(name, lost);
  }

  /** The scales that belong to {@link packQuantized}. Throws as that does. */
  quantizationScales(name: string, destination: Uint8Array, options: ScaleOptions): void {
    const lost = this.#call(name, (file, index) => file.quantizationScales(index, destination, options));
    this.#requireFinite(name, lost);
  }

  /** Unmaps the file. Tensors can no longer be read. */
  close(): void {
    this.#native.close();
  }

  /** Where a tensor's elements lie one after the other. @throws UnclipError MODEL_TENSOR_MISSING */
  protected at(name: string): Placed {
    return { native: this.#native, index: this.#indexOf(name) };
  }

  #call(name: string, call: (file: NativeTensorFile, index: number) => number): number {
    const { native, index } = this.at(name);
    return withSubject(this.path, () => call(native, index));
  }

  #indexOf(name: string): number {
    const index = this.#index.get(name);
    if (index === undefined) throw new UnclipError('MODEL_TENSOR_MISSING', `${this.path} has no tensor ${name}`);
    return index;
  }

  #requireFinite(name: string, lost: number): void {
    if (lost === 0) return;
    throw new UnclipError(
      'MODEL_TENSOR_DTYPE',
      `${this.path}: ${lost} values of ${name} are not finite, which 8 bits cannot say; load the model without weights q8`,
    );
  }

  #requireInRange(name: string, lost: number, f16: boolean): void {
    if (lost === 0) return;
    const advice = f16 ? 'f16; use f32 for this model' : 'f32; the checkpoint is damaged';
    throw new UnclipError(
      'MODEL_TENSOR_DTYPE',
      `${this.path}: ${lost} values of ${name} exceed the range of ${advice}`,
    );
  }
}

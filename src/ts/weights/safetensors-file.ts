import {
  addon,
  type CopyOptions,
  type NativeSafetensorsFile,
  type NativeTensorInfo,
  type PackOptions,
  type PackQuantizedOptions,
  type ScaleOptions,
} from '../native/addon.js';
import { withSubject } from '../native/errors.js';
import { UnclipError } from '../util/errors.js';

/** One mapped safetensors file, its header checked. Errors name the file. */
export class SafetensorsFile {
  readonly path: string;
  /** In the order of their bytes. */
  readonly tensors: readonly NativeTensorInfo[];
  /** `__metadata__` of the header. */
  readonly metadata: ReadonlyMap<string, string>;
  readonly #native: NativeSafetensorsFile;
  readonly #index: ReadonlyMap<string, number>;

  /**
   * @throws UnclipError MODEL_FILE_MISSING, MODEL_FILE_INVALID (which rule of the format is broken) or IO_FAILED
   */
  constructor(path: string) {
    this.path = path;
    this.#native = withSubject(path, () => new (addon().SafetensorsFile)(path));
    this.tensors = this.#native.tensors();
    this.metadata = new Map(this.#native.metadata());
    this.#index = new Map(this.tensors.map((tensor, i) => [tensor.name, i]));
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
    const lost = withSubject(this.path, () => this.#native.copy(this.#indexOf(name), destination, options));
    this.#requireInRange(name, lost, options.f16);
  }

  /** Packs a weight matrix into `destination`; see {@link PackOptions}. Throws as copy does. */
  pack(name: string, destination: Uint8Array, options: PackOptions): void {
    const lost = withSubject(this.path, () => this.#native.pack(this.#indexOf(name), destination, options));
    this.#requireInRange(name, lost, options.f16);
  }

  /**
   * Packs a weight matrix into `destination` as int8; see {@link PackOptions}.
   * @throws UnclipError MODEL_TENSOR_DTYPE where values are not finite; INPUT_INVALID where it does not fit
   */
  packQuantized(name: string, destination: Uint8Array, options: PackQuantizedOptions): void {
    const lost = withSubject(this.path, () => this.#native.packQuantized(this.#indexOf(name), destination, options));
    this.#requireFinite(name, lost);
  }

  /** The scales that belong to {@link packQuantized}. Throws as that does. */
  quantizationScales(name: string, destination: Uint8Array, options: ScaleOptions): void {
    const index = this.#indexOf(name);
    const lost = withSubject(this.path, () => this.#native.quantizationScales(index, destination, options));
    this.#requireFinite(name, lost);
  }

  /** Unmaps the file. Tensors can no longer be read. */
  close(): void {
    this.#native.close();
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

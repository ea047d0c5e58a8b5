import type { Device } from '../gpu/device.js';
import { type DType, elementCount, tensorBytes } from '../graph/types.js';
import { UnclipError } from '../util/errors.js';
import { fromHalfArray, toHalfArray } from '../util/half.js';

/** A tensor that outlives one run: an input, a result, latents. Lives in a buffer of its own and stays on the GPU. */
export class StateTensor {
  readonly shape: readonly number[];
  readonly dtype: DType;
  readonly buffer: GPUBuffer;
  readonly #device: Device;

  constructor(device: Device, label: string, shape: readonly number[], dtype: DType) {
    this.#device = device;
    this.shape = shape;
    this.dtype = dtype;
    const usage = GPUBufferUsage.STORAGE | GPUBufferUsage.COPY_SRC | GPUBufferUsage.COPY_DST;
    this.buffer = device.createBuffer(label, tensorBytes({ shape, dtype }), usage);
  }

  /** Bytes of the tensor (the buffer may be larger). */
  get bytes(): number {
    return tensorBytes(this);
  }

  /**
   * Uploads values in the tensor's own (channels-last) order, before work that is submitted later.
   * @param offset first element to replace; a multiple of 2 for f16.
   */
  write(values: Float32Array | Uint32Array | Int32Array, offset = 0): void {
    if (offset + values.length > elementCount(this.shape))
      throw new UnclipError('GRAPH_INVALID', `${values.length} values do not fit [${this.shape}] at element ${offset}`);
    let data: Float32Array | Uint32Array | Int32Array | Uint16Array = values;
    if (this.dtype === 'f16') data = toHalfArray(values.length % 2 === 0 ? values : [...values, 0]);
    this.#device.gpu.queue.writeBuffer(
      this.buffer,
      offset * (this.dtype === 'f16' ? 2 : 4),
      data as unknown as ArrayBuffer,
    );
  }

  /** Takes over the elements of a tensor of the same shape and type, on the GPU: after what was submitted before, before what comes. */
  copyFrom(source: StateTensor): void {
    if (source.dtype !== this.dtype || source.bytes !== this.bytes)
      throw new UnclipError(
        'GRAPH_INVALID',
        `[${source.shape}] ${source.dtype} cannot be copied to [${this.shape}] ${this.dtype}`,
      );
    const { gpu } = this.#device;
    const encoder = gpu.createCommandEncoder();
    encoder.copyBufferToBuffer(source.buffer, 0, this.buffer, 0, Math.ceil(this.bytes / 4) * 4);
    gpu.queue.submit([encoder.finish()]);
  }

  /** Reads all elements back, floats as f32. */
  async read(): Promise<Float32Array> {
    const bytes = await this.#device.readBuffer(this.buffer, 0, this.bytes);
    const count = elementCount(this.shape);
    if (this.dtype === 'f16') return fromHalfArray(new Uint16Array(bytes, 0, count));
    return new Float32Array(bytes, 0, count);
  }

  /** Reads all elements back as stored words: pixels, ids. */
  async readWords(): Promise<Uint32Array> {
    return new Uint32Array(await this.#device.readBuffer(this.buffer, 0, this.bytes));
  }

  destroy(): void {
    this.buffer.destroy();
  }
}

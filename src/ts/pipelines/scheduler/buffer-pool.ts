import type { Device } from '../../gpu/device.js';

/** GPU buffers that are used again by size, so that nothing is allocated while pictures of one kind come and go. */
export class BufferPool {
  readonly #device: Device;
  readonly #free = new Map<number, GPUBuffer[]>();
  #bytes = 0;

  constructor(device: Device) {
    this.#device = device;
  }

  /** Bytes of all buffers that the pool has made, in use or not. */
  get bytes(): number {
    return this.#bytes;
  }

  /** A buffer of that size; its contents are whatever was there. @throws UnclipError GPU_LIMIT_EXCEEDED */
  take(bytes: number): GPUBuffer {
    const free = this.#free.get(bytes)?.pop();
    if (free !== undefined) return free;
    const usage = GPUBufferUsage.COPY_SRC | GPUBufferUsage.COPY_DST;
    const buffer = this.#device.createBuffer('rows of a picture', bytes, usage);
    this.#bytes += bytes;
    return buffer;
  }

  /** @param bytes the size that the buffer was taken with */
  give(buffer: GPUBuffer, bytes: number): void {
    const free = this.#free.get(bytes);
    if (free === undefined) this.#free.set(bytes, [buffer]);
    else free.push(buffer);
  }

  /** Frees the buffers that nobody holds. */
  destroy(): void {
    for (const free of this.#free.values()) for (const buffer of free) buffer.destroy();
    this.#free.clear();
  }
}

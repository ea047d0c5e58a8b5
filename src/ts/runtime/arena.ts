import type { Device } from '../gpu/device.js';

/**
 * The one buffer in which every network's temporaries lie, at offsets that each network's own plan gives. Networks take turns,
 * so its size is the largest plan, not the sum.
 */
export class Arena {
  readonly #device: Device;
  #buffer: GPUBuffer | undefined;
  #reserved = 0;
  #size = 0;
  #generation = 0;

  constructor(device: Device) {
    this.#device = device;
  }

  /** Counts the buffers there have been: bind groups made for an older one are stale. */
  get generation(): number {
    return this.#generation;
  }

  /** Bytes of the buffer as it is now. */
  get bytes(): number {
    return this.#size;
  }

  /** Whether a plan was announced that the buffer is too small for. */
  get stale(): boolean {
    return this.#size < this.#reserved;
  }

  /** Announces a plan; takes effect at the next {@link buffer}. */
  reserve(bytes: number): void {
    this.#reserved = Math.max(this.#reserved, bytes);
  }

  /** The buffer, grown to the largest reservation. Never grows while programs are being replayed: they all reserve first. */
  buffer(): GPUBuffer {
    if (this.#buffer === undefined || this.#size < this.#reserved) {
      this.#buffer?.destroy();
      this.#size = this.#reserved;
      const usage = GPUBufferUsage.STORAGE | GPUBufferUsage.COPY_DST;
      this.#buffer = this.#device.createBuffer('arena', this.#size, usage);
      this.#generation++;
    }
    return this.#buffer;
  }

  destroy(): void {
    this.#buffer?.destroy();
    this.#buffer = undefined;
    this.#size = 0;
  }
}

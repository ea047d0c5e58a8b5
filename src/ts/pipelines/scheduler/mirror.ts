import type { Device } from '../../gpu/device.js';
import { gpuError } from '../../gpu/instance.js';
import type { StateTensor } from '../../runtime/state.js';

/** Copies of f32 states on the CPU, through one buffer that is made at the first use and kept. */
export class Mirror {
  readonly #device: Device;
  #staging: GPUBuffer | undefined;

  constructor(device: Device) {
    this.#device = device;
  }

  /**
   * What the states hold when all work submitted so far is done. The arrays are the caller's.
   * @param states f32, the same at every call
   * @throws UnclipError GPU_DEVICE_LOST
   */
  async read(states: readonly StateTensor[]): Promise<Float32Array[]> {
    const { gpu } = this.#device;
    const total = states.reduce((sum, { bytes }) => sum + bytes, 0);
    this.#staging ??= this.#device.createBuffer('mirror', total, GPUBufferUsage.MAP_READ | GPUBufferUsage.COPY_DST);
    const staging = this.#staging;
    const encoder = gpu.createCommandEncoder();
    let at = 0;
    for (const { buffer, bytes } of states) {
      encoder.copyBufferToBuffer(buffer, 0, staging, at, bytes);
      at += bytes;
    }
    gpu.queue.submit([encoder.finish()]);
    try {
      await this.#device.wait(() => staging.mapAsync(GPUMapMode.READ, 0, total));
    } catch (cause) {
      this.#device.check();
      throw gpuError('GPU_DEVICE_LOST', 'reading a step back failed', cause);
    }
    this.#device.check();
    const mapped = staging.getMappedRange(0, total);
    at = 0;
    const copies = states.map(({ bytes }) => {
      const values = new Float32Array(mapped.slice(at, at + bytes));
      at += bytes;
      return values;
    });
    staging.unmap();
    return copies;
  }

  destroy(): void {
    this.#staging?.destroy();
  }
}

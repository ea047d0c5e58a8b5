import type { Device } from '../gpu/device.js';
import type { Program } from './program.js';

/** One submit of one or more programs. */
export interface SubmitRecord {
  readonly programs: readonly Program[];
  readonly dispatches: number;
  /** JavaScript time to record the pass. */
  readonly encodeMs: number;
  /** JavaScript time to finish the command buffer and hand it to the queue. */
  readonly submitMs: number;
  /** GPU time of the pass; undefined before {@link Profiler.collect} and on adapters without timestamps. */
  gpuMs: number | undefined;
}

/** What the runtime asks while it records a profiled submit. */
export interface ProfiledSubmit {
  readonly timestampWrites: GPUComputePassTimestampWrites | undefined;
  encoded(): void;
  submitted(): void;
}

const BYTES_A_SLOT = 16;

/** Times every submit of a runtime whose `profiler` it is set as: JavaScript's clock, and the GPU's where it has timestamps. */
export class Profiler {
  readonly #device: Device;
  readonly #capacity: number;
  readonly #querySet: GPUQuerySet | undefined;
  #records: SubmitRecord[] = [];

  /** @param capacity most submits between two {@link collect}s that get a GPU time */
  constructor(device: Device, capacity = 1024) {
    this.#device = device;
    this.#capacity = capacity;
    if (device.adapter.features.includes('timestamp-query'))
      this.#querySet = device.gpu.createQuerySet({ type: 'timestamp', count: 2 * capacity });
  }

  /** Submits since the last {@link collect}. */
  get count(): number {
    return this.#records.length;
  }

  begin(programs: readonly Program[]): ProfiledSubmit {
    const slot = this.#records.length;
    const querySet = slot < this.#capacity ? this.#querySet : undefined;
    const start = performance.now();
    let encoded = start;
    return {
      timestampWrites: querySet && {
        querySet,
        beginningOfPassWriteIndex: 2 * slot,
        endOfPassWriteIndex: 2 * slot + 1,
      },
      encoded() {
        encoded = performance.now();
      },
      submitted: () => {
        this.#records.push({
          programs,
          dispatches: programs.reduce((sum, p) => sum + p.compiled.dispatches, 0),
          encodeMs: encoded - start,
          submitMs: performance.now() - encoded,
          gpuMs: undefined,
        });
      },
    };
  }

  /** Reads the GPU's times, hands out what was recorded, in order, and starts anew. */
  async collect(): Promise<SubmitRecord[]> {
    const records = this.#records;
    this.#records = [];
    const timed = Math.min(records.length, this.#capacity);
    if (this.#querySet === undefined || timed === 0) return records;
    const usage = GPUBufferUsage.QUERY_RESOLVE | GPUBufferUsage.COPY_SRC;
    const buffer = this.#device.createBuffer('timestamps', timed * BYTES_A_SLOT, usage);
    const encoder = this.#device.gpu.createCommandEncoder();
    encoder.resolveQuerySet(this.#querySet, 0, 2 * timed, buffer, 0);
    this.#device.gpu.queue.submit([encoder.finish()]);
    const ticks = new BigUint64Array(await this.#device.readBuffer(buffer, 0, timed * BYTES_A_SLOT));
    buffer.destroy();
    for (let i = 0; i < timed; i++) records[i]!.gpuMs = Number(ticks[2 * i + 1]! - ticks[2 * i]!) / 1e6;
    return records;
  }

  destroy(): void {
    this.#querySet?.destroy();
  }
}

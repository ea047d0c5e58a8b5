import type { Device } from '../gpu/device.js';
import type { Program } from './program.js';

/** One submit of one or more programs. */
export interface SubmitRecord {
  readonly programs: readonly Program[];
  readonly dispatches: number;
  /** JavaScript time to record the command buffer. */
  readonly encodeMs: number;
  /** Whether it was recorded while the GPU was at what had been submitted before: then the GPU did not wait for it. */
  readonly ahead: boolean;
  /** JavaScript time to hand it to the queue. */
  readonly submitMs: number;
  /** GPU time of the pass; undefined before {@link Profiler.collect} and on adapters without timestamps. */
  gpuMs: number | undefined;
}

/** What the runtime asks while it records a profiled submit. */
export interface ProfiledSubmit {
  readonly timestampWrites: GPUComputePassTimestampWrites | undefined;
  encoded(): void;
  submitting(): void;
  submitted(): void;
}

interface Slotted {
  readonly slot: number;
  readonly record: SubmitRecord;
}

const BYTES_A_SLOT = 16;

/** Times every submit of a runtime whose `profiler` it is set as: JavaScript's clock, and the GPU's where it has timestamps. */
export class Profiler {
  readonly #device: Device;
  readonly #capacity: number;
  readonly #querySet: GPUQuerySet | undefined;
  #records: Slotted[] = [];
  #slots = 0;

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

  begin(programs: readonly Program[], ahead: boolean): ProfiledSubmit {
    const slot = this.#slots++;
    const querySet = slot < this.#capacity ? this.#querySet : undefined;
    const start = performance.now();
    let encodeMs = 0;
    let submitting = start;
    return {
      timestampWrites: querySet && {
        querySet,
        beginningOfPassWriteIndex: 2 * slot,
        endOfPassWriteIndex: 2 * slot + 1,
      },
      encoded() {
        encodeMs = performance.now() - start;
      },
      submitting() {
        submitting = performance.now();
      },
      submitted: () => {
        const dispatches = programs.reduce((sum, p) => sum + p.compiled.dispatches, 0);
        const submitMs = performance.now() - submitting;
        this.#records.push({ slot, record: { programs, dispatches, encodeMs, ahead, submitMs, gpuMs: undefined } });
      },
    };
  }

  /** Reads the GPU's times, hands out what was submitted, in order, and starts anew. No recording may wait for its submit. */
  async collect(): Promise<SubmitRecord[]> {
    const records = this.#records;
    this.#records = [];
    this.#slots = 0;
    const timed = Math.min(records.length, this.#capacity);
    if (this.#querySet === undefined || timed === 0) return records.map(({ record }) => record);
    const usage = GPUBufferUsage.QUERY_RESOLVE | GPUBufferUsage.COPY_SRC;
    const buffer = this.#device.createBuffer('timestamps', timed * BYTES_A_SLOT, usage);
    const encoder = this.#device.gpu.createCommandEncoder();
    encoder.resolveQuerySet(this.#querySet, 0, 2 * timed, buffer, 0);
    this.#device.gpu.queue.submit([encoder.finish()]);
    const ticks = new BigUint64Array(await this.#device.readBuffer(buffer, 0, timed * BYTES_A_SLOT));
    buffer.destroy();
    for (const { slot, record } of records)
      if (slot < timed) record.gpuMs = Number(ticks[2 * slot + 1]! - ticks[2 * slot]!) / 1e6;
    return records.map(({ record }) => record);
  }

  destroy(): void {
    this.#querySet?.destroy();
  }
}

import type { Device } from '../../gpu/device.js';
import type { StateTensor } from '../../runtime/state.js';
import type { BufferPool } from './buffer-pool.js';

/** A batched state tensor, and which picture of the batch is meant. */
export interface Seat {
  readonly state: StateTensor;
  /** Pictures of the batch. */
  readonly batch: number;
  /** 0 … batch − 1. */
  readonly seat: number;
}

/**
 * What a picture needs for its next steps, in buffers of its own: its rows of the states of a batch, by the states' names. A
 * guided state has two rows a picture, `batch` rows apart, the unconditional one first; here they lie side by side.
 */
export class PictureRows {
  readonly #device: Device;
  readonly #pool: BufferPool;
  readonly #rows = new Map<string, { readonly buffer: GPUBuffer; readonly bytes: number }>();

  constructor(device: Device, pool: BufferPool) {
    this.#device = device;
    this.#pool = pool;
  }

  /** Copies the picture's rows out of a batch. */
  save(encoder: GPUCommandEncoder, name: string, from: Seat): void {
    const { rows, rowBytes } = layout(from);
    const { buffer } = this.#row(name, rows * rowBytes);
    for (let r = 0; r < rows; r++)
      encoder.copyBufferToBuffer(
        from.state.buffer,
        (r * from.batch + from.seat) * rowBytes,
        buffer,
        r * rowBytes,
        rowBytes,
      );
  }

  /** Copies the picture's rows into a batch. */
  load(encoder: GPUCommandEncoder, name: string, to: Seat): void {
    const { rows, rowBytes } = layout(to);
    const { buffer } = this.#row(name, rows * rowBytes);
    for (let r = 0; r < rows; r++)
      encoder.copyBufferToBuffer(buffer, r * rowBytes, to.state.buffer, (r * to.batch + to.seat) * rowBytes, rowBytes);
  }

  /** Uploads f32 values as the picture's row of a state, before work that is submitted later. */
  write(name: string, values: Float32Array): void {
    this.#device.gpu.queue.writeBuffer(this.#row(name, values.byteLength).buffer, 0, values as unknown as ArrayBuffer);
  }

  /** Gives back all rows but those named. */
  release(...kept: readonly string[]): void {
    for (const [name, { buffer, bytes }] of this.#rows) {
      if (kept.includes(name)) continue;
      this.#pool.give(buffer, bytes);
      this.#rows.delete(name);
    }
  }

  #row(name: string, bytes: number): { readonly buffer: GPUBuffer; readonly bytes: number } {
    const known = this.#rows.get(name);
    if (known?.bytes === bytes) return known;
    if (known !== undefined) this.#pool.give(known.buffer, known.bytes);
    const row = { buffer: this.#pool.take(bytes), bytes };
    this.#rows.set(name, row);
    return row;
  }
}

/** Rows that one picture has in a state, and bytes of a row. */
function layout({ state, batch }: Seat): { rows: number; rowBytes: number } {
  const rows = state.shape[0]! / batch;
  return { rows, rowBytes: state.bytes / state.shape[0]! };
}

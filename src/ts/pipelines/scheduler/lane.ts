import { STEP_PARAMS_FLOATS } from '../../diffusion/step-params.js';
import type { Program } from '../../runtime/program.js';
import type { Recording, Runtime } from '../../runtime/runtime.js';
import { Mirror } from './mirror.js';
import type { Picture } from './picture.js';
import type { Seat } from './picture-rows.js';

/** What every step uploads anew. */
const UPLOADED = ['stepParams', 'noise'];

/** What a step changes; everything else of a picture stays as it is throughout a stage. */
export const CHANGING = ['latents', 'x0'] as const;

/** Inputs of a step's program that belong to single pictures, by name, without what is uploaded at each step. */
export function pictureStates(program: Program, shared: readonly string[]): string[] {
  const { inputs, outputs } = program.compiled.graph;
  const names = new Set([...Object.keys(inputs), ...Object.keys(outputs)]);
  return [...names].filter((name) => !UPLOADED.includes(name) && !shared.includes(name));
}

/**
 * One stage's step at one batch size, with a seat for each picture. A picture that stays in its seat from step to step costs no
 * copy; one that comes brings its rows along, one that leaves takes those that change.
 */
export class Lane {
  readonly batch: number;
  readonly program: Program;
  readonly #runtime: Runtime;
  readonly #names: readonly string[];
  readonly #seats: (Picture | undefined)[];
  readonly #mirror: Mirror;
  #recorded: { readonly recording: Recording; readonly binding: string } | undefined;

  /** @param shared names of the program's states that all pictures share */
  constructor(runtime: Runtime, program: Program, batch: number, shared: readonly string[]) {
    this.#runtime = runtime;
    this.program = program;
    this.batch = batch;
    this.#names = pictureStates(program, shared);
    this.#seats = new Array<Picture | undefined>(batch).fill(undefined);
    this.#mirror = new Mirror(runtime.device);
  }

  /**
   * Gives exactly these pictures the seats, and submits the copies that this takes.
   * @param pictures as many as there are seats
   */
  seat(pictures: readonly Picture[]): void {
    const coming = pictures.filter((picture) => !this.#seats.includes(picture));
    if (coming.length === 0) return;
    this.#copy((encoder) => {
      for (const picture of coming) picture.lane?.leave(encoder, picture);
      for (const [seat, occupant] of this.#seats.entries()) {
        if (occupant !== undefined && pictures.includes(occupant)) continue;
        if (occupant !== undefined) this.leave(encoder, occupant);
        const picture = coming.pop()!;
        for (const name of this.#names) picture.rows.load(encoder, name, this.#place(name, seat));
        this.#seats[seat] = picture;
        picture.lane = this;
      }
    });
  }

  /** Takes a picture out of its seat and submits the copies. */
  release(picture: Picture): void {
    this.#copy((encoder) => this.leave(encoder, picture));
  }

  /** Takes a picture out of its seat; what steps have changed goes with it. */
  leave(encoder: GPUCommandEncoder, picture: Picture): void {
    const seat = this.#seats.indexOf(picture);
    for (const name of CHANGING) picture.rows.save(encoder, name, this.#place(name, seat));
    this.vacate(picture);
  }

  /** Frees the seat of a picture whose rows nobody needs any more. */
  vacate(picture: Picture): void {
    this.#seats[this.#seats.indexOf(picture)] = undefined;
    picture.lane = undefined;
  }

  /** Uploads every seated picture's parameters and noise and submits the step. */
  async submit(): Promise<void> {
    const { program } = this;
    await program.prepare();
    const params = new Float32Array(this.batch * STEP_PARAMS_FLOATS);
    const noise = program.state('noise');
    for (const [seat, picture] of this.#seats.entries()) {
      params.set(picture!.stepRecord(), seat * STEP_PARAMS_FLOATS);
      const drawn = picture!.stepNoise();
      if (drawn !== undefined) noise.write(drawn, seat * drawn.length);
    }
    program.state('stepParams').write(params);
    const recorded = this.#recorded?.binding === program.binding ? this.#recorded.recording : undefined;
    this.#recorded = undefined;
    (recorded ?? this.#runtime.record([program])).submit();
  }

  /** Waits for the step, and copies what it changed to the CPU for the pictures that keep a snapshot. */
  async finish(): Promise<void> {
    const { device } = this.#runtime;
    if (!this.#seats.some((picture) => picture?.snapshot !== undefined)) return device.idle();
    const [latents, x0] = await this.#mirror.read(CHANGING.map((name) => this.program.state(name)));
    const size = latents!.length / this.batch;
    for (const [seat, picture] of this.#seats.entries()) {
      if (picture?.snapshot === undefined) continue;
      const row = (values: Float32Array): Float32Array => values.slice(seat * size, (seat + 1) * size);
      Object.assign(picture.snapshot, { latents: row(latents!), x0: row(x0!) });
    }
  }

  /** The prediction of x₀ of the latest step, f32 [H, W, 3], of a picture that sits here. */
  prediction(picture: Picture): Promise<Float32Array> {
    const state = this.program.state('x0');
    const row = state.bytes / this.batch;
    return this.#runtime.device
      .readBuffer(state.buffer, this.#seats.indexOf(picture) * row, row)
      .then((bytes) => new Float32Array(bytes));
  }

  /** Records the next step while the GPU runs this one. It fits whoever sits here then. */
  recordAhead(): void {
    const recording = this.#runtime.record([this.program], true);
    this.#recorded = { recording, binding: this.program.binding };
  }

  /** Frees the lane; pictures that sit in it keep their rows. */
  destroy(): void {
    for (const picture of this.#seats) if (picture !== undefined) this.release(picture);
    this.program.destroy();
    this.#mirror.destroy();
  }

  #copy(record: (encoder: GPUCommandEncoder) => void): void {
    const { gpu } = this.#runtime.device;
    const encoder = gpu.createCommandEncoder();
    record(encoder);
    gpu.queue.submit([encoder.finish()]);
  }

  #place(name: string, seat: number): Seat {
    return { state: this.program.state(name), batch: this.batch, seat };
  }
}

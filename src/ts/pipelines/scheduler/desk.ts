import type { Program } from '../../runtime/program.js';
import type { StateTensor } from '../../runtime/state.js';
import type { DrawItem } from '../drawing.js';
import type { Engine } from '../engine.js';
import { ProgramSet } from '../programs/program-set.js';
import { submitPrograms } from '../run-stage.js';
import { CHANGING, pictureStates } from './lane.js';
import type { Picture } from './picture.js';
import type { Seat } from './picture-rows.js';

/** Rows of the encoded text that the decoder's context is made of, after the prior. */
const TEXT_ROWS = ['text embeds', 'text hidden', 'context mask'] as const;

/** State of the prior's steps that comes from its weights and is the same for all pictures. */
export const PRIOR_SHARED = ['tailPositions'] as const;

/**
 * What happens to a picture between its stages, one picture at a time: encoding text, the prior's and the decoder's preludes,
 * enlarging, reading pixels. The programs here are a desk: a picture's rows are laid on it, worked on and taken away again.
 */
export class Desk {
  readonly #engine: Engine;
  readonly #set: ProgramSet;

  constructor(engine: Engine, guided: boolean) {
    this.#engine = engine;
    this.#set = new ProgramSet(engine.runtime, engine.model, { batch: 1, guided, dtype: engine.dtype });
  }

  /** The step programs at batch 1: what lanes of other sizes are modelled on. */
  get programs(): ProgramSet {
    return this.#set;
  }

  /** Encodes the text and prepares the first stage: the prior, or the decoder for a picture that brings its embedding. */
  async begin(picture: Picture, item: DrawItem): Promise<void> {
    const { text } = this.#set;
    text.write([item.prompt]);
    await submitPrograms(this.#engine.runtime, text.encoder);
    if (picture.stage === 'prior') {
      const { prelude, step } = this.#set.prior;
      await submitPrograms(this.#engine.runtime, prelude);
      this.#copy((encoder) => {
        for (const [name, state] of this.#textRows()) picture.rows.save(encoder, name, this.#only(state));
        this.#saveContext(encoder, picture, step, PRIOR_SHARED);
      });
      this.#start(picture);
    } else await this.#enterDecoder(picture, item);
  }

  /** Takes a picture whose stage is over to the next one. @returns its pixels, RGBA, when that was the last */
  async next(picture: Picture, item: DrawItem): Promise<Uint8Array | undefined> {
    const { runtime } = this.#engine;
    const { drawing } = this.#set;
    if (picture.stage === 'prior') {
      const { step, finish } = this.#set.prior;
      this.#copy((encoder) => {
        picture.rows.load(encoder, 'latents', this.#only(step.state('latents')));
        for (const [name, state] of this.#textRows()) picture.rows.load(encoder, name, this.#only(state));
      });
      await submitPrograms(runtime, finish);
      await this.#enterDecoder(picture, item);
    } else if (picture.stage === 'decoder') {
      this.#copy((encoder) => {
        picture.rows.load(encoder, 'latents', this.#only(drawing.decoderStep.state('latents')));
      });
      picture.rows.release();
      await submitPrograms(runtime, drawing.superResPrepare);
      picture.enter('superRes');
      this.#copy((encoder) => this.#saveContext(encoder, picture, drawing.superResStep, []));
      this.#start(picture);
    } else {
      this.#copy((encoder) => {
        picture.rows.load(encoder, 'latents', this.#only(drawing.superResStep.state('latents')));
      });
      picture.rows.release();
      await submitPrograms(runtime, drawing.pixels);
      const words = await drawing.pixels.state('pixels').readWords();
      return new Uint8Array(words.buffer, words.byteOffset, words.byteLength);
    }
    return undefined;
  }

  destroy(): void {
    this.#set.destroy();
  }

  /** Needs the text on the desk, and the image embedding where the picture does not bring one. */
  async #enterDecoder(picture: Picture, item: DrawItem): Promise<void> {
    const { imageEmbeds, textProj, decoderPrelude, decoderStep } = this.#set.drawing;
    picture.rows.release();
    if (item.imageEmbeds !== undefined) imageEmbeds.write(item.imageEmbeds);
    await submitPrograms(this.#engine.runtime, textProj, decoderPrelude);
    picture.enter('decoder');
    this.#copy((encoder) => this.#saveContext(encoder, picture, decoderStep, []));
    this.#start(picture, item.start);
  }

  /** Starting noise of the stage; drawn also for a picture that brings its own sample, so that later draws do not depend on it. */
  #start(picture: Picture, sample?: Float32Array): void {
    const { stage, sampleShape } = picture.plan;
    const drawn = picture.noise.draw(stage, -1, sampleShape);
    picture.rows.write('latents', sample ?? drawn);
  }

  #saveContext(encoder: GPUCommandEncoder, picture: Picture, step: Program, shared: readonly string[]): void {
    const changing: readonly string[] = CHANGING;
    for (const name of pictureStates(step, shared))
      if (!changing.includes(name)) picture.rows.save(encoder, name, this.#only(step.state(name)));
  }

  #textRows(): [string, StateTensor][] {
    const { embeds, hidden, contextMask } = this.#set.text;
    return [embeds, hidden, contextMask].map((state, i) => [TEXT_ROWS[i]!, state]);
  }

  #copy(record: (encoder: GPUCommandEncoder) => void): void {
    const { gpu } = this.#engine.runtime.device;
    const encoder = gpu.createCommandEncoder();
    record(encoder);
    gpu.queue.submit([encoder.finish()]);
  }

  #only(state: StateTensor): Seat {
    return { state, batch: 1, seat: 0 };
  }
}

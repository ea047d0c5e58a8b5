import type { Program } from '../../runtime/program.js';
import type { StateTensor } from '../../runtime/state.js';
import type { DrawItem } from '../drawing.js';
import type { Engine } from '../engine.js';
import { PriorArRun } from '../prior-ar-run.js';
import { ProgramSet } from '../programs/program-set.js';
import { submitPrograms } from '../run-stage.js';
import type { SamplingSettings } from '../settings.js';
import { CHANGING, pictureStates } from './lane.js';
import type { Picture, Snapshot } from './picture.js';
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

  /**
   * Encodes the text and prepares the first stage: the diffusion prior, or else the decoder, for a picture that brings its
   * embedding or one whose embedding the autoregressive prior draws, here and now.
   */
  async begin(picture: Picture, item: DrawItem, settings: SamplingSettings): Promise<void> {
    await this.#encode(item);
    if (item.imageEmbeds !== undefined) this.#set.drawing.imageEmbeds.write(item.imageEmbeds);
    else if (settings.prior === 'ar') await this.#drawCodes(picture, settings);
    await this.#prepareStage(picture);
    this.#start(picture, item);
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
      if (picture.snapshot !== undefined) picture.snapshot.imageEmbeds = await drawing.imageEmbeds.read();
      picture.enter('decoder');
    } else if (picture.stage === 'decoder') {
      this.#copy((encoder) => {
        picture.rows.load(encoder, 'latents', this.#only(drawing.decoderStep.state('latents')));
      });
      if (picture.snapshot !== undefined) picture.snapshot.small = picture.snapshot.latents;
      picture.enter('superRes');
    } else {
      this.#copy((encoder) => {
        picture.rows.load(encoder, 'latents', this.#only(drawing.superResStep.state('latents')));
      });
      await submitPrograms(runtime, drawing.pixels);
      const words = await drawing.pixels.state('pixels').readWords();
      return new Uint8Array(words.buffer, words.byteOffset, words.byteLength);
    }
    picture.rows.release();
    // Before anything is waited for: a device that is lost from here on finds the picture at the beginning of its stage.
    this.#start(picture, item);
    await this.#prepareStage(picture);
    return undefined;
  }

  /** The prior's sample, or its prediction of one, as a CLIP image embedding f32 [E]. @param sample f32 [E] */
  async embeddingOf(sample: Float32Array): Promise<Float32Array> {
    const { step, finish } = this.#set.prior;
    step.state('latents').write(sample);
    await submitPrograms(this.#engine.runtime, finish);
    return this.#set.drawing.imageEmbeds.read();
  }

  /** Lays a picture's stage out anew from its snapshot, on a device that knows nothing of it. */
  async resume(picture: Picture, item: DrawItem, snapshot: Snapshot): Promise<void> {
    const { imageEmbeds, decoderStep } = this.#set.drawing;
    const { latents, x0, small } = snapshot;
    await this.#encode(item);
    const embedding = item.imageEmbeds ?? snapshot.imageEmbeds;
    if (embedding !== undefined) imageEmbeds.write(embedding);
    if (picture.stage === 'superRes') decoderStep.state('latents').write(small!);
    await this.#prepareStage(picture);
    picture.rows.write('latents', latents);
    if (x0 !== undefined) picture.rows.write('x0', x0);
  }

  destroy(): void {
    this.#set.destroy();
  }

  async #drawCodes(picture: Picture, settings: SamplingSettings): Promise<void> {
    const run = new PriorArRun(this.#engine.runtime, this.#set, settings);
    await run.begin();
    await run.run(picture.noise);
    if (picture.snapshot !== undefined) picture.snapshot.imageEmbeds = await this.#set.drawing.imageEmbeds.read();
  }

  async #encode({ prompt }: DrawItem): Promise<void> {
    this.#set.text.write([prompt]);
    await submitPrograms(this.#engine.runtime, this.#set.text.encoder);
  }

  /**
   * Computes what no step of the picture's stage changes, and gives it to the picture. On the desk lie: the encoded text; for the
   * decoder the image embedding; for the upsampler the decoder's sample.
   */
  async #prepareStage(picture: Picture): Promise<void> {
    const { runtime } = this.#engine;
    const { textProj, decoderPrelude, decoderStep, superResPrepare, superResStep } = this.#set.drawing;
    if (picture.stage === 'prior') {
      const { prelude, step } = this.#set.prior;
      await submitPrograms(runtime, prelude);
      this.#copy((encoder) => {
        for (const [name, state] of this.#textRows()) picture.rows.save(encoder, name, this.#only(state));
        this.#saveContext(encoder, picture, step, PRIOR_SHARED);
      });
    } else if (picture.stage === 'decoder') {
      await submitPrograms(runtime, textProj, decoderPrelude);
      this.#copy((encoder) => this.#saveContext(encoder, picture, decoderStep, []));
    } else {
      await submitPrograms(runtime, superResPrepare);
      this.#copy((encoder) => this.#saveContext(encoder, picture, superResStep, []));
    }
  }

  /** Starting noise of the stage; drawn also for a picture that brings its own sample, so that later draws do not depend on it. */
  #start(picture: Picture, item: DrawItem): void {
    const { stage, sampleShape } = picture.plan;
    const drawn = picture.noise.draw(stage, -1, sampleShape);
    const latents = (stage === 'decoder' ? item.start : undefined) ?? drawn;
    picture.rows.write('latents', latents);
    if (picture.snapshot !== undefined) Object.assign(picture.snapshot, { latents, x0: undefined });
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

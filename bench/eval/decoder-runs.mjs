import { DrawingRun } from '../../dist/pipelines/drawing-run.js';
import { PerImageNoise } from '../../dist/pipelines/noise.js';
import { PriorRun } from '../../dist/pipelines/prior-run.js';
import { ProgramSet } from '../../dist/pipelines/programs/program-set.js';
import { previewPictures } from '../../dist/pipelines/progress.js';
import { runStage, submitPrograms } from '../../dist/pipelines/run-stage.js';
import { isGuided } from '../../dist/pipelines/settings.js';

/** The decoder alone, again and again for one prompt: the same embeddings and the same noise, other samplers. */
export class DecoderRuns {
  #unclip;
  #settings;
  #programs;
  #seed = 0;

  /** @param {import('../../dist/index.js').Unclip} unclip */
  constructor(unclip) {
    const { model, runtime, dtype } = unclip;
    this.#unclip = unclip;
    this.#settings = model.info.defaults;
    this.#programs = new ProgramSet(runtime, model, { batch: 1, guided: isGuided(this.#settings), dtype });
  }

  /** Encodes a prompt and draws its image embedding, as `generate` does. @param {string} prompt @param {number} seed */
  async begin(prompt, seed) {
    const { model, runtime } = this.#unclip;
    const { text, drawing } = this.#programs;
    this.#seed = seed;
    const prior = new PriorRun(runtime, model, this.#programs, this.#settings);
    text.write([prompt]);
    await submitPrograms(runtime, text.encoder);
    await prior.begin();
    await prior.run(new PerImageNoise([seed]), {});
    await submitPrograms(runtime, drawing.textProj, drawing.decoderPrelude);
  }

  /**
   * One run of the decoder.
   * @param {number} decoderSteps @param {import('../../dist/diffusion/samplers/registry.js').SamplingChoice} choice
   * @returns {Promise<import('./pixels.mjs').Picture>} at the decoder's size
   */
  async draw(decoderSteps, choice) {
    const { model, runtime } = this.#unclip;
    const { decoder } = new DrawingRun(runtime, model, this.#programs, { ...this.#settings, ...choice, decoderSteps });
    const noise = new PerImageNoise([this.#seed]);
    decoder.start(noise);
    await runStage(runtime, decoder, noise, {});
    return (await previewPictures(decoder))[0];
  }

  close() {
    this.#programs.destroy();
  }
}

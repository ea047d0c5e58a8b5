import { join } from 'node:path';
import { attributeCheckerGraph, parseAttributeCheckerConfig } from '../../dist/models/attribute-checker.js';
import { readModelJson } from '../../dist/util/json-file.js';
import { openWeights } from '../../dist/weights/weights.js';
import { shrink } from './pixels.mjs';

/** @typedef {Record<string, string>} Seen label by attribute */

/** The judge: a small CNN that learned from real renders only and shares nothing with the generator. Runs in f32. */
export class Checker {
  #weights;
  #program;
  #runtime;

  /** @param {string} folder config.json and model.safetensors @param {import('../../dist/runtime/runtime.js').Runtime} runtime */
  constructor(folder, runtime) {
    this.config = parseAttributeCheckerConfig(readModelJson(join(folder, 'config.json')), join(folder, 'config.json'));
    this.#weights = openWeights(folder);
    this.#runtime = runtime;
    const graph = attributeCheckerGraph(this.config, { batch: 1, dtype: 'f32' });
    this.#program = runtime.program('checker', graph, this.#weights);
  }

  /** What a picture shows. @param {import('./pixels.mjs').Picture} picture @returns {Promise<Seen>} */
  async look(picture) {
    const { data } = shrink(picture, this.config.image_size);
    this.#program.state('pixels').write(Float32Array.from(data, (v) => v / 127.5 - 1));
    await this.#program.prepare();
    this.#runtime.submit([this.#program]);
    /** @type {Seen} */
    const seen = {};
    for (const [name, labels] of Object.entries(this.config.heads)) {
      const logits = await this.#program.state(`logits.${name}`).read();
      seen[name] = labels[logits.indexOf(Math.max(...logits))];
    }
    return seen;
  }

  close() {
    this.#program.destroy();
    this.#weights.close();
  }
}

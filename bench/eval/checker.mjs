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
    /** @type {Seen} */
    const seen = {};
    for (const [name, logits] of await this.#logits(picture))
      seen[name] = this.config.heads[name][logits.indexOf(Math.max(...logits))];
    return seen;
  }

  /**
   * What a picture shows, and how probable the checker finds what was wanted: the product over the attributes.
   * @param {import('./pixels.mjs').Picture} picture @param {Readonly<Record<string, string>>} wanted label by attribute
   */
  async judge(picture, wanted) {
    /** @type {Seen} */
    const seen = {};
    let probability = 1;
    for (const [name, logits] of await this.#logits(picture)) {
      const labels = this.config.heads[name];
      const most = Math.max(...logits);
      const total = logits.reduce((sum, v) => sum + Math.exp(v - most), 0);
      seen[name] = labels[logits.indexOf(most)];
      probability *= Math.exp(logits[labels.indexOf(wanted[name])] - most) / total;
    }
    return { seen, probability };
  }

  /** By attribute. @param {import('./pixels.mjs').Picture} picture @returns {Promise<[string, Float32Array][]>} */
  async #logits(picture) {
    const { data } = shrink(picture, this.config.image_size);
    this.#program.state('pixels').write(Float32Array.from(data, (v) => v / 127.5 - 1));
    await this.#program.prepare();
    this.#runtime.submit([this.#program]);
    const names = Object.keys(this.config.heads);
    return Promise.all(names.map(async (name) => [name, await this.#program.state(`logits.${name}`).read()]));
  }

  close() {
    this.#program.destroy();
    this.#weights.close();
  }
}

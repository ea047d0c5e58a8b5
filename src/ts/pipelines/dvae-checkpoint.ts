import { existsSync, statSync } from 'node:fs';
import { join } from 'node:path';
import type { Graph } from '../graph/types.js';
import { type DvaeConfig, dvaeConfig } from '../models/dvae-config.js';
import { dvaeDecoderGraph } from '../models/dvae-decoder.js';
import { dvaeEncoderGraph } from '../models/dvae-encoder.js';
import { UnclipError } from '../util/errors.js';
import { openWeights, type Weights } from '../weights/weights.js';
import { requireTensors } from './required-tensors.js';

/** The folder of a discrete VAE, opened and checked: encoder.* and decoder.*, as safetensors or as OpenAI's pickles. */
export class DvaeCheckpoint {
  readonly folder: string;
  readonly config: DvaeConfig;
  readonly encoder: Weights;
  readonly decoder: Weights;

  private constructor(folder: string, config: DvaeConfig, encoder: Weights, decoder: Weights) {
    this.folder = folder;
    this.config = config;
    this.encoder = encoder;
    this.decoder = decoder;
  }

  /** @throws UnclipError MODEL_* */
  static open(folder: string): DvaeCheckpoint {
    if (!existsSync(folder) || !statSync(folder).isDirectory())
      throw new UnclipError('MODEL_NOT_FOUND', `there is no folder of a dVAE at '${folder}'`);
    const opened: Weights[] = [];
    try {
      for (const part of ['encoder', 'decoder']) opened.push(openPart(folder, part));
      const [encoder, decoder] = opened as [Weights, Weights];
      const config = dvaeConfig(shapes(encoder), shapes(decoder));
      const options = { batch: 1, height: 64, width: 64, dtype: 'f32' } as const;
      requireExactly(encoder, dvaeEncoderGraph(config, options));
      requireExactly(decoder, dvaeDecoderGraph(config, options));
      return new DvaeCheckpoint(folder, config, encoder, decoder);
    } catch (error) {
      for (const weights of opened) weights.close();
      throw error;
    }
  }

  close(): void {
    this.encoder.close();
    this.decoder.close();
  }
}

/** `<folder>/encoder.safetensors`, `.pkl`, `.pt` …, or a folder of that name with the usual files in it. */
function openPart(folder: string, part: string): Weights {
  const own = join(folder, part);
  return existsSync(own) && statSync(own).isDirectory() ? openWeights(own) : openWeights(folder, part);
}

const shapes = (weights: Weights) => (name: string) => (weights.has(name) ? weights.get(name).shape : undefined);

/** Every tensor that a graph asks for, in its shape, and no other. */
function requireExactly(weights: Weights, graph: Graph): void {
  requireTensors(weights, graph);
  const [surplus] = weights.unused();
  if (surplus !== undefined)
    throw new UnclipError(
      'MODEL_CONFIG_INVALID',
      `${weights.folder} holds '${surplus}', which no dVAE has a place for`,
    );
}

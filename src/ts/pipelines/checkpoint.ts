import { existsSync, statSync } from 'node:fs';
import { join } from 'node:path';
import { UnClipSchedule } from '../diffusion/schedule.js';
import { ClipPreprocessor } from '../image/clip-preprocess.js';
import type { ClipVisionConfig } from '../models/clip-vision.js';
import { type ComponentName, loadUnclipModel, type UnclipModel } from '../models/model-index.js';
import { unclipNetworks } from '../models/networks.js';
import type { PriorConfig } from '../models/prior.js';
import type { PriorArConfig } from '../models/prior-ar.js';
import { ClipTokenizer } from '../text/clip-tokenizer.js';
import { UnclipError } from '../util/errors.js';
import { openWeights, type Weights } from '../weights/weights.js';
import { fingerprint } from './fingerprint.js';
import { type ModelInfo, readModelInfo } from './model-info.js';
import { requireNoSurplus, requireTensors } from './required-tensors.js';
import type { PriorChoice } from './settings.js';

/** A model folder in diffusers' layout, opened and checked: configs, tokenizer, schedules, mapped weights. */
export class Checkpoint {
  readonly folder: string;
  readonly configs: UnclipModel;
  readonly tokenizer: ClipTokenizer;
  readonly schedules: {
    /** Null where the model has no prior. */
    readonly prior: UnClipSchedule | null;
    readonly decoder: UnClipSchedule;
    readonly superRes: UnClipSchedule;
  };
  /** What the image encoder's pictures go through; null where the model has none. */
  readonly preprocessor: ClipPreprocessor | null;
  readonly info: ModelInfo;
  readonly #weights: ReadonlyMap<ComponentName, Weights>;
  #hash: string | undefined;

  private constructor(folder: string, configs: UnclipModel, weights: ReadonlyMap<ComponentName, Weights>) {
    this.folder = folder;
    this.configs = configs;
    this.#weights = weights;
    this.info = readModelInfo(folder);
    this.tokenizer = ClipTokenizer.load(join(folder, 'tokenizer'));
    const { components } = configs.index;
    this.preprocessor = components.has('feature_extractor')
      ? ClipPreprocessor.load(join(folder, 'feature_extractor'))
      : null;
    this.schedules = {
      prior: components.has('prior_scheduler') ? UnClipSchedule.load(join(folder, 'prior_scheduler')) : null,
      decoder: UnClipSchedule.load(join(folder, 'decoder_scheduler')),
      superRes: UnClipSchedule.load(join(folder, 'super_res_scheduler')),
    };
  }

  /**
   * Reads every config and the header of every weight file, and checks that each tensor that a network needs is there in its
   * shape and that no other is, before any memory is taken.
   * @throws UnclipError MODEL_*
   */
  static open(folder: string): Checkpoint {
    if (!existsSync(folder) || !statSync(folder).isDirectory())
      throw new UnclipError('MODEL_NOT_FOUND', `there is no model folder at '${folder}'`);
    const configs = loadUnclipModel(folder);
    const weights = new Map<ComponentName, Weights>();
    try {
      for (const { component, graphs, ignoredTensors } of unclipNetworks(configs, {
        batch: 1,
        guided: true,
        dtype: 'f32',
      })) {
        const opened = openWeights(join(folder, component));
        weights.set(component, opened);
        requireTensors(opened, ...graphs);
        requireNoSurplus(opened, ignoredTensors);
      }
      return new Checkpoint(folder, configs, weights);
    } catch (error) {
      for (const opened of weights.values()) opened.close();
      throw error;
    }
  }

  /** Identity of the model's files, see {@link fingerprint}. */
  get hash(): string {
    this.#hash ??= fingerprint(this.folder);
    return this.#hash;
  }

  /** The diffusion prior. @throws UnclipError MODEL_CONFIG_INVALID when the model has none */
  requirePrior(): { readonly config: PriorConfig; readonly schedule: UnClipSchedule } {
    const { configs, schedules } = this;
    if (configs.prior !== null && schedules.prior !== null) return { config: configs.prior, schedule: schedules.prior };
    throw new UnclipError(
      'MODEL_CONFIG_INVALID',
      `'${this.folder}' has no prior: it makes variations of pictures, not pictures from text`,
    );
  }

  /** The autoregressive prior. @throws UnclipError MODEL_CONFIG_INVALID when the model has none */
  requirePriorAr(): PriorArConfig {
    if (this.configs.priorAr !== null) return this.configs.priorAr;
    const message = `'${this.folder}' has no autoregressive prior (prior_ar in its model_index.json)`;
    throw new UnclipError('MODEL_CONFIG_INVALID', message);
  }

  /** Makes sure of the prior that is asked for. @throws UnclipError MODEL_CONFIG_INVALID when the model has none of this kind */
  requirePriorOf({ prior }: PriorChoice): void {
    if (prior === 'ar') this.requirePriorAr();
    else this.requirePrior();
  }

  /** CLIP's image encoder. @throws UnclipError MODEL_CONFIG_INVALID when the model has none */
  requireImageEncoder(): { readonly config: ClipVisionConfig; readonly preprocessor: ClipPreprocessor } {
    const { configs, preprocessor } = this;
    if (configs.imageEncoder !== null && preprocessor !== null) return { config: configs.imageEncoder, preprocessor };
    throw new UnclipError(
      'MODEL_CONFIG_INVALID',
      `'${this.folder}' has no image_encoder with a feature_extractor: it draws from text only and cannot read pictures`,
    );
  }

  /** The mapped weights of a component. */
  weights(component: ComponentName): Weights {
    const weights = this.#weights.get(component);
    if (weights === undefined)
      throw new UnclipError('MODEL_FILE_MISSING', `'${this.folder}' has no weights of ${component}`);
    return weights;
  }

  close(): void {
    for (const weights of this.#weights.values()) weights.close();
  }
}

import type { Command } from 'commander';
import type { ModelOptions } from '../../bench/model.js';
import { WEIGHT_FORMATS, type WeightFormat } from '../../graph/quantize.js';
import { BUNDLED, modelFolder } from '../models.js';
import { oneOf, WEIGHTS_HELP, wholeNumber } from '../options.js';

/** Options of sub-commands that measure a model. */
export interface ModelCommandOptions {
  readonly model: string;
  readonly dtype: 'auto' | 'f32' | 'f16';
  readonly weights: WeightFormat;
  readonly batch: number;
}

export const addModelOptions = (command: Command): Command =>
  command
    .option('--model <folder>', 'model folder; its weights need not be there', BUNDLED)
    .option('--dtype <type>', 'storage of numbers: auto, f32, f16', oneOf('--dtype', ['auto', 'f32', 'f16']), 'auto')
    .option('--weights <format>', WEIGHTS_HELP, oneOf('--weights', WEIGHT_FORMATS), 'full')
    .option('--batch <n>', 'pictures drawn at once', wholeNumber('--batch', 1, 1024), 1);

export const modelOptions = ({ model, dtype, weights, batch }: ModelCommandOptions): ModelOptions => ({
  folder: modelFolder(model),
  name: model,
  dtype,
  weights,
  batch,
});

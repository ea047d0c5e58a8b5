import type { Command } from 'commander';
import type { ModelOptions } from '../../bench/model.js';
import { BUNDLED, modelFolder } from '../models.js';
import { oneOf, wholeNumber } from '../options.js';

/** Options of sub-commands that measure a model. */
export interface ModelCommandOptions {
  readonly model: string;
  readonly dtype: 'auto' | 'f32' | 'f16';
  readonly batch: number;
}

export const addModelOptions = (command: Command): Command =>
  command
    .option('--model <folder>', 'model folder; its weights need not be there', BUNDLED)
    .option('--dtype <type>', 'storage of numbers: auto, f32, f16', oneOf('--dtype', ['auto', 'f32', 'f16']), 'auto')
    .option('--batch <n>', 'pictures drawn at once', wholeNumber('--batch', 1, 1024), 1);

export const modelOptions = ({ model, dtype, batch }: ModelCommandOptions): ModelOptions => ({
  folder: modelFolder(model),
  name: model,
  dtype,
  batch,
});

import type { Command } from 'commander';
import { Clip } from '../pipelines/clip/clip.js';
import { type StorageOptions, storageOptions, unlessAborted, withStorageOptions } from './model-options.js';
import { BUNDLED, modelFolder } from './models.js';
import type { CommandContext } from './ui/terminal.js';

/** Options of the commands that only need a CLIP. */
export interface ClipOptions extends StorageOptions {
  readonly model: string;
}

export function withClipOptions(command: Command): Command {
  return withStorageOptions(
    command.option(
      '--model <path>',
      "unCLIP folder, transformers' CLIPModel folder, or OpenAI's CLIP as safetensors",
      BUNDLED,
    ),
  );
}

/** Loads the CLIP of the options, unless Ctrl-C comes first. */
export const loadClip = (options: ClipOptions, { signal }: CommandContext): Promise<Clip> =>
  unlessAborted(() => Clip.load(modelFolder(options.model), storageOptions(options)), signal);

/** The model as JSON documents name it. */
export const clipAsJson = (clip: Clip, options: ClipOptions): object => ({
  model: { path: options.model, layout: clip.model.layout, hash: clip.model.hash },
  adapter: clip.adapter,
  dtype: clip.dtype,
  weights: clip.weights,
});

/** Adapter and storage in one line, for people. */
export const clipAsText = ({ adapter, dtype, weights }: Clip): string =>
  `${adapter.name}${adapter.software ? ' (software)' : ''}, ${dtype}${weights === 'full' ? '' : `, weights ${weights}`}`;

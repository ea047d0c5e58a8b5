import { Command } from 'commander';
import { drawSet, type FrameOptions, withFrameOptions } from './picture-set.js';
import { isPictureName, labelOf } from './pictures-in.js';
import { requestSettings } from './sampling-options.js';
import type { CommandContext } from './ui/terminal.js';

interface BlendOptions extends FrameOptions {
  readonly invert?: boolean;
}

/** `unclip blend`: the way from one picture or prompt to another. */
export function blendCommand(context: CommandContext): Command {
  const command = new Command('blend')
    .description('draw the way between pictures, or prompts, in frames')
    .argument(
      '<parts...>',
      'two or more: a word that is a file here, or ends like a picture (.png …), is a picture, any other a prompt',
    )
    .option('--invert', "begin from each picture's own noise (DDIM inversion), so that the pictures themselves appear");
  return withFrameOptions(command, 8, true).action((words: string[], options: BlendOptions) => {
    const settings = requestSettings({ ...options, n: 1 });
    const { frames, invert } = options;
    const parts = words.map((word) => (isPictureName(word) ? { picture: word } : { prompt: word }));
    return drawSet(
      {
        count: frames,
        label: words.map((word) => labelOf(word).slice(0, 28)).join(' to '),
        settings,
        texts: words.filter((word) => !isPictureName(word)),
        options,
        draw: (unclip, hooks) => unclip.blend({ parts, frames, invert, ...settings, ...hooks }),
      },
      command,
      context,
    );
  });
}

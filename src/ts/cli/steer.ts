import { Command } from 'commander';
import { decimalNumber } from './options.js';
import { drawSet, type FrameOptions, withFrameOptions } from './picture-set.js';
import { labelOf } from './pictures-in.js';
import { requestSettings } from './sampling-options.js';
import type { CommandContext } from './ui/terminal.js';

interface SteerOptions extends FrameOptions {
  readonly from: string;
  readonly to: string;
  readonly amount?: number;
}

/** `unclip steer`: a picture changed as one text differs from another. */
export function steerCommand(context: CommandContext): Command {
  const command = new Command('steer')
    .description('change a picture as one text differs from another, in frames')
    .argument('<picture>', 'PNG, JPEG, WebP, GIF, TIFF or AVIF; its middle square is what is seen of it')
    .requiredOption('--from <text>', 'what the picture shows: "a photo of a yellow bus"')
    .requiredOption('--to <text>', 'what it is to show: "a photo of a green bus"')
    .option(
      '--amount <part>',
      'how far the last frame turns towards the difference, 0 to 1 (default: 0.3)',
      decimalNumber('--amount', 0, 1),
    );
  return withFrameOptions(command, 6, false).action((picture: string, options: SteerOptions) => {
    const settings = requestSettings({ ...options, n: 1 });
    const { from, to, frames, amount } = options;
    return drawSet(
      {
        count: frames,
        label: `${labelOf(picture).slice(0, 28)} to ${to}`,
        settings,
        texts: [from, to],
        options,
        draw: (unclip, hooks) => unclip.steer({ picture, from, to, frames, amount, ...settings, ...hooks }),
      },
      command,
      context,
    );
  });
}

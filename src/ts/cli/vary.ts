import { Command } from 'commander';
import { WHITE } from '../image/decode.js';
import { readPicture } from '../image/picture-input.js';
import { middleSquare } from '../image/square.js';
import { inSlices } from '../util/sliced.js';
import { decimalNumber } from './options.js';
import { drawSet, type SetOptions, withSetOptions } from './picture-set.js';
import { labelOf } from './pictures-in.js';
import { requestSettings, withSamplingOptions } from './sampling-options.js';
import type { CommandContext } from './ui/terminal.js';

interface VaryOptions extends SetOptions {
  readonly n: number;
  readonly strength?: number;
}

/** `unclip vary`: a picture in, pictures of the same meaning out. */
export function varyCommand(context: CommandContext): Command {
  const command = new Command('vary')
    .description('draw variations of a picture')
    .argument('<picture>', 'PNG, JPEG, WebP, GIF, TIFF or AVIF; its middle square is what is seen of it')
    .option(
      '--strength <s>',
      'how far from the picture: 0 gives it back, larger values move away step by step, 1 (the default) keeps nothing but what CLIP sees in it',
      decimalNumber('--strength', 0, 1),
    );
  return withSetOptions(withSamplingOptions(command, 'variations', false)).action(
    (picture: string, options: VaryOptions) => {
      const settings = requestSettings(options);
      const { n, strength } = options;
      return drawSet(
        {
          count: n,
          label: `${labelOf(picture)} variation`,
          settings,
          texts: [],
          options,
          draw: (unclip, hooks) => unclip.vary({ picture, strength, ...settings, ...hooks }),
          before: async (side) => [
            await inSlices(middleSquare(await readPicture(picture, { background: WHITE }), side)),
          ],
        },
        command,
        context,
      );
    },
  );
}

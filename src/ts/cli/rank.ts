import { Command } from 'commander';
import type { Clip } from '../pipelines/clip/clip.js';
import type { LogitScale } from '../pipelines/clip/clip-model.js';
import type { RankedCaption } from '../pipelines/clip/rank.js';
import { type ClipOptions, clipAsJson, clipAsText, loadClip, withClipOptions } from './clip-options.js';
import { UsageError } from './failure.js';
import { wholeNumber } from './options.js';
import { checkPictureArguments } from './picture-arguments.js';
import { textArguments } from './text-arguments.js';
import { formatDuration, onOneLine } from './ui/format.js';
import { formatTable } from './ui/table.js';
import { type CommandContext, printJson, printLine } from './ui/terminal.js';
import { warnOfUnknownWords } from './unknown-words.js';

interface RankOptions extends ClipOptions {
  readonly captions: readonly string[];
  readonly top?: number;
  readonly json?: boolean;
  readonly quiet?: boolean;
}

/** `unclip rank`: which captions fit a picture best. */
export function rankCommand(context: CommandContext): Command {
  const command = new Command('rank')
    .description('rank captions by how well they fit pictures')
    .argument('[picture...]', 'PNG, JPEG, WebP, GIF, TIFF or AVIF files')
    .requiredOption('--captions <texts...>', 'captions, each in quotes; or one file with a caption a line')
    .option('--top <n>', 'print only the best of each picture', wholeNumber('--top', 1, 1_000_000))
    .option('--json', 'print one JSON document')
    .option('-q, --quiet', 'nothing but the ranks');
  return withClipOptions(command).action((pictures: string[], options: RankOptions) =>
    rank(pictures, options, context),
  );
}

async function rank(pictures: readonly string[], options: RankOptions, context: CommandContext): Promise<void> {
  const { stdout, stderr, signal } = context;
  if (pictures.length === 0)
    throw new UsageError(
      'there is no picture; name one or more before --captions: unclip rank a.png --captions "a ball"',
    );
  const captions = textArguments('--captions', options.captions);
  await checkPictureArguments(pictures);
  const begin = performance.now();
  const clip = await loadClip(options, context);
  try {
    const unknown = options.quiet ? [] : warnOfUnknownWords(captions, clip, stderr);
    const { pictures: ranks, logitScale } = await clip.rank({ pictures, captions, signal });
    const best = ranks.map((ranked) => ranked.slice(0, options.top));
    if (options.json) {
      const ranked = pictures.map((picture, i) => ({ picture, captions: best[i]! }));
      printJson(stdout, { pictures: ranked, logitScale, unknownWords: unknown, ...clipAsJson(clip, options) });
      return;
    }
    for (const [i, picture] of pictures.entries()) {
      if (i > 0) printLine(stdout);
      printLine(stdout, asText(picture, best[i]!));
    }
    if (!options.quiet) printLine(stderr, closing(clip, logitScale, performance.now() - begin));
  } finally {
    await clip.dispose();
  }
}

function asText(picture: string, ranked: readonly RankedCaption[]): string {
  const rows = ranked.map(({ caption, probability, cosine }) => [
    `${(100 * probability).toFixed(1)} %`,
    cosine.toFixed(4),
    onOneLine(caption, 200),
  ]);
  return `${picture}\n${formatTable(['probability', 'cosine', 'caption'], rows, ['right', 'right', 'left'])}`;
}

const closing = (clip: Clip, { value, stated }: LogitScale, ms: number): string =>
  `${clipAsText(clip)}; ${formatDuration(ms)}\nprobability: softmax of ${Number(value.toPrecision(6))} · cosine (${
    stated ? "the checkpoint's logit scale" : "CLIP's usual logit scale; this checkpoint states none"
  })`;

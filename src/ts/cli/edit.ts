import { Command } from 'commander';
import { MAX_RESAMPLE } from '../diffusion/repaint.js';
import { readPicture } from '../image/picture-input.js';
import { checkMargins, type Margins } from '../pipelines/edit/canvas.js';
import {
  checkEditOptions,
  DEFAULT_RESAMPLING,
  type EditOptions,
  readEditInputs,
} from '../pipelines/edit/edit-request.js';
import { readModelInfo } from '../pipelines/model-info.js';
import { checkRequest } from '../pipelines/request.js';
import type { Unclip } from '../pipelines/unclip.js';
import { Drawing, type DrawingJob } from './drawing.js';
import { UsageError } from './failure.js';
import { type FileOptions, withFileOptions } from './file-options.js';
import { loadOptions, loadUnlessAborted, type ModelOptions, withModelOptions } from './model-options.js';
import { BUNDLED, modelFolder } from './models.js';
import { decimalNumber, wholeNumber } from './options.js';
import { Output } from './output.js';
import { commandLine } from './pictures-in.js';
import { reportDrawn } from './report.js';
import {
  type RequestSettings,
  requestSettings,
  type SamplingCliOptions,
  withSamplingOptions,
} from './sampling-options.js';
import { onOneLine } from './ui/format.js';
import { type CommandContext, printLine } from './ui/terminal.js';
import { warnOfUnknownWords } from './unknown-words.js';

interface EditCliOptions extends SamplingCliOptions, ModelOptions, FileOptions {
  readonly mask?: string;
  readonly invertMask?: boolean;
  readonly outpaint?: Partial<Margins>;
  readonly resample?: number;
  readonly jump?: number;
  readonly feather?: number;
}

const HELP = `
The mask is a picture of the same size. Where its alpha is 0, the picture is drawn anew (as OpenAI's image edits have it); where
nothing of it is transparent, black is drawn anew and white kept. Without --mask a picture's own transparent region is drawn.
Outside the mask the result equals the picture to the bit, in 8-bit RGB; write PNG (the default) to keep it so.

Examples:
  unclip edit room.png --mask mask.png "a red sofa in a living room"
  unclip edit beach.jpg --outpaint left:64,right:64 "a blue ball on the beach"`;

/** `unclip edit`: a picture and a mask in, pictures with the masked part drawn anew out. */
export function editCommand(context: CommandContext): Command {
  const { resample, jump } = DEFAULT_RESAMPLING;
  const command = new Command('edit')
    .description('draw a part of a picture anew, or what lies beyond its edges')
    .argument('<picture>', 'PNG, JPEG, WebP, GIF, TIFF or AVIF')
    .argument('<prompt>', 'what the whole picture shows when it is done')
    .option('--mask <picture>', 'what to draw anew: transparent, or black where nothing is transparent')
    .option('--invert-mask', 'keep what the mask would have drawn, and the other way round')
    .option('--outpaint <sides>', 'grow the canvas, in pixels: left:64,right:64,top:32,bottom:32', outpaint)
    .option(
      '--resample <n>',
      `times that each stretch of decoder steps is run; more is slower, in better harmony (default: ${resample})`,
      wholeNumber('--resample', 1, MAX_RESAMPLE),
    )
    .option('--jump <n>', `decoder steps of a stretch (default: ${jump})`, wholeNumber('--jump', 1, 1000))
    .option(
      '--feather <pixels>',
      'width of the seam within the mask; 0: a hard edge (default: a 64th of what is drawn at once)',
      decimalNumber('--feather', 0, 10_000),
    )
    .addHelpText('after', HELP);
  return withFileOptions(withModelOptions(withSamplingOptions(command, 'pictures to draw'))).action(
    (picture: string, prompt: string, options: EditCliOptions) => edit(picture, prompt, options, command, context),
  );
}

/** `left:64,right:64`. */
function outpaint(text: string): Partial<Margins> {
  const sides = text.split(',').map((part) => /^\s*([a-z]+):(\d{1,6})\s*$/.exec(part));
  if (sides.includes(null) || new Set(sides.map((side) => side![1])).size < sides.length)
    throw new UsageError(`--outpaint is '${onOneLine(text, 60)}': give each side once, such as left:64,right:64`);
  return checkMargins(Object.fromEntries(sides.map((side) => [side![1]!, Number(side![2])])));
}

async function edit(
  path: string,
  prompt: string,
  options: EditCliOptions,
  command: Command,
  context: CommandContext,
): Promise<void> {
  const model = options.model ?? BUNDLED;
  const folder = modelFolder(model);
  const settings = requestSettings(options);
  const { settings: checked } = checkRequest({ prompt, ...settings }, readModelInfo(folder).defaults);
  const { margins } = checkEditOptions({ ...options, picture: path }, checked);
  // Read and checked before the model is, which takes longer.
  const { invertMask, resample, jump, feather } = options;
  const inputs: EditOptions = {
    ...{ invertMask, outpaint: options.outpaint, resample, jump, feather },
    picture: await readPicture(path, { alpha: true }),
    mask: options.mask === undefined ? undefined : await readPicture(options.mask, { alpha: true }),
  };
  await readEditInputs(inputs, margins, 1);
  const output = new Output(options.out, options.format, settings.n > 1);

  const begin = performance.now();
  const unclip = await loadUnlessAborted(folder, loadOptions(options), context.signal);
  try {
    const unknown = warnOfUnknownWords([prompt], unclip, context.stderr);
    const openMs = performance.now() - begin;
    const parameters = { command: commandLine(command, settings.seed) };
    const drawing = new Drawing(model, output, context, { ...options, parameters, openMs });
    const notes = new Set<string>();
    await drawing.draw(jobs({ prompt, ...inputs, ...settings }, output, unclip, notes), settings.n);
    if (!options.quiet && !options.json) for (const note of notes) printLine(context.stderr, note);
    const more = { unknownWords: unknown, notes: [...notes] };
    reportDrawn({ drawing, unclip, model, totalMs: performance.now() - begin, more }, options, context);
  } finally {
    await unclip.dispose();
  }
}

/** A job a batch: however many pictures there are, memory stays that of one batch. @param notes receives what the library says */
function* jobs(
  request: EditOptions & RequestSettings & { readonly prompt: string },
  output: Output,
  unclip: Unclip,
  notes: Set<string>,
): Generator<DrawingJob> {
  for (let first = 0; first < request.n; first += unclip.batchSize) {
    const n = Math.min(unclip.batchSize, request.n - first);
    const seed = request.seed + first;
    const files = Array.from({ length: n }, (_, k) => output.path(request.prompt, seed + k, first + k + 1));
    yield {
      files,
      draw: async (hooks) => {
        const result = await unclip.edit({ ...request, n, seed, ...hooks });
        for (const note of result.notes) notes.add(note);
        return result;
      },
    };
  }
}

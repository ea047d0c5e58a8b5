import { Command } from 'commander';
import { readModelInfo } from '../pipelines/model-info.js';
import { checkRequest, type PictureRequest } from '../pipelines/request.js';
import type { Unclip } from '../pipelines/unclip.js';
import { bestOfJobs, checkCandidates, printScores, type ScoredPrompt } from './candidates.js';
import { Drawing, type DrawingJob } from './drawing.js';
import { UsageError } from './failure.js';
import { type FileOptions, withFileOptions } from './file-options.js';
import { loadOptions, loadUnlessAborted, type ModelOptions, withModelOptions } from './model-options.js';
import { BUNDLED, modelFolder } from './models.js';
import { wholeNumber } from './options.js';
import { Output } from './output.js';
import { type Replay, readReplay } from './replay.js';
import { reportDrawn } from './report.js';
import { requestSettings, type SamplingCliOptions, withSamplingOptions } from './sampling-options.js';
import { onOneLine } from './ui/format.js';
import { type CommandContext, printLine } from './ui/terminal.js';
import { warnOfUnknownWords } from './unknown-words.js';

interface GenerateOptions extends SamplingCliOptions, ModelOptions, FileOptions {
  readonly candidates?: number;
  readonly keep?: number;
  readonly from?: string;
  readonly saveSteps?: boolean;
}

/** `unclip generate`: text in, picture files out. */
export function generateCommand(context: CommandContext): Command {
  const command = new Command('generate')
    .description('draw pictures from text')
    .argument('[prompt...]', 'what to draw; several prompts, each in quotes, are drawn one after the other');
  withSamplingOptions(command, 'pictures of each prompt')
    .option(
      '--candidates <n>',
      'draw so many of each prompt, and keep what CLIP finds fits it best',
      wholeNumber('--candidates', 1, 10_000),
    )
    .option('--keep <n>', 'candidates to keep (default: 1)', wholeNumber('--keep', 1, 10_000))
    .option('--from <picture>', 'draw this picture again, from what is written in it; other options change that')
    .option('--save-steps', 'save a preview of each step of decoder and upsampler beside the picture');
  return withFileOptions(withModelOptions(command)).action((prompts: string[], options: GenerateOptions) =>
    generate(prompts, options, context),
  );
}

async function generate(given: readonly string[], options: GenerateOptions, context: CommandContext): Promise<void> {
  const { stderr } = context;
  const replay = options.from === undefined ? undefined : await readReplay(options.from);
  const prompts = given.length > 0 ? given : [replay?.prompt].filter((p) => p !== undefined);
  if (prompts.length === 0)
    throw new UsageError('there is no prompt; say what to draw: unclip generate "a red ball on the grass"');
  const model = options.model ?? replay?.model ?? BUNDLED;
  const folder = modelFolder(model);
  checkCandidates(options);
  const n = options.candidates ?? options.n;
  const settings = requestSettings({ ...options, n }, replay);
  const { defaults } = readModelInfo(folder);
  for (const prompt of prompts) checkRequest({ prompt, ...settings }, defaults);
  const total = prompts.length * n;
  const kept = options.candidates === undefined ? n : (options.keep ?? 1);
  const output = new Output(options.out, options.format, prompts.length * kept > 1);

  const begin = performance.now();
  const load = loadOptions({
    ...options,
    dtype: options.dtype ?? replay?.dtype,
    weights: options.weights ?? replay?.weights,
  });
  const unclip = await loadUnlessAborted(folder, load, context.signal);
  try {
    if (replay !== undefined) warnOfDifferences(replay, unclip, stderr);
    const unknown = warnOfUnknownWords(prompts, unclip, stderr);
    const openMs = performance.now() - begin;
    const drawing = new Drawing(model, output, context, { ...options, openMs });
    const scored: ScoredPrompt[] = [];
    const work =
      options.candidates === undefined
        ? jobs(prompts, settings, output, unclip)
        : bestOfJobs(prompts, { settings, candidates: n, keep: kept }, output, unclip, scored);
    await drawing.draw(work, total);
    const totalMs = performance.now() - begin;
    if (!options.quiet && !options.json) printScores(scored, stderr);
    const more = { unknownWords: unknown, ...(options.candidates === undefined ? {} : { candidates: scored }) };
    reportDrawn({ drawing, unclip, model, totalMs, more }, options, context);
  } finally {
    await unclip.dispose();
  }
}

/** A job a batch: however many pictures there are, memory stays that of one batch. */
function* jobs(
  prompts: readonly string[],
  settings: Omit<PictureRequest, 'prompt'> & { readonly n: number; readonly seed: number },
  output: Output,
  unclip: Unclip,
): Generator<DrawingJob> {
  let done = 0;
  for (const prompt of prompts)
    for (let first = 0; first < settings.n; first += unclip.batchSize) {
      const n = Math.min(unclip.batchSize, settings.n - first);
      const seed = settings.seed + first;
      const files = Array.from({ length: n }, (_, k) => output.path(prompt, seed + k, done + k + 1));
      yield { files, draw: (hooks) => unclip.generate({ ...settings, prompt, n, seed, ...hooks }) };
      done += n;
    }
}

function warnOfDifferences(replay: Replay, unclip: Unclip, stderr: NodeJS.WritableStream): void {
  if (replay.modelHash !== undefined && replay.modelHash !== unclip.model.hash)
    printLine(
      stderr,
      `warning: the picture was drawn by another model (${onOneLine(replay.modelHash, 64)}); this one is ${unclip.model.hash}`,
    );
  if (replay.adapter !== undefined && replay.adapter !== unclip.adapter.name)
    printLine(
      stderr,
      `note: the picture was drawn on '${onOneLine(replay.adapter, 100)}'; on another adapter it may differ in the last bits`,
    );
}

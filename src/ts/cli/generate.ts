import { Command } from 'commander';
import { WEIGHT_FORMATS, type WeightFormat } from '../graph/quantize.js';
import { PICTURE_FORMATS, type PictureFormat } from '../image/encode.js';
import type { LoadOptions } from '../pipelines/engine.js';
import { readModelInfo } from '../pipelines/model-info.js';
import { checkRequest } from '../pipelines/request.js';
import { Unclip } from '../pipelines/unclip.js';
import { Drawing, type Drawn } from './drawing.js';
import { UsageError } from './failure.js';
import { BUNDLED, modelFolder } from './models.js';
import { byteCount, decimalNumber, oneOf, WEIGHTS_HELP, wholeNumber } from './options.js';
import { Output } from './output.js';
import { type Replay, readReplay } from './replay.js';
import { formatDuration, onOneLine } from './ui/format.js';
import { type CommandContext, printJson, printLine } from './ui/terminal.js';

interface GenerateOptions {
  readonly n: number;
  readonly seed?: number;
  readonly model?: string;
  readonly priorSteps?: number;
  readonly decoderSteps?: number;
  readonly srSteps?: number;
  readonly priorGuidance?: number;
  readonly decoderGuidance?: number;
  readonly dtype?: 'auto' | 'f32' | 'f16';
  readonly weights?: WeightFormat;
  readonly adapter?: 'auto' | 'hardware' | 'software';
  readonly batchSize?: number;
  readonly weightBudget?: number;
  readonly deterministic?: boolean;
  readonly out?: string;
  readonly format?: PictureFormat;
  readonly quality?: number;
  readonly from?: string;
  readonly json?: boolean;
  readonly saveSteps?: boolean;
  readonly quiet?: boolean;
}

const MAX_SEED = Number.MAX_SAFE_INTEGER;

/** Random seeds are short, so that people can type them again. */
const RANDOM_SEEDS = 2 ** 31;

/** `unclip generate`: text in, picture files out. */
export function generateCommand(context: CommandContext): Command {
  const steps = (name: string) => wholeNumber(name, 2, 1000);
  const guidance = (name: string) => decimalNumber(name, 0, 100);
  return new Command('generate')
    .description('draw pictures from text')
    .argument('[prompt...]', 'what to draw; several prompts, each in quotes, are drawn one after the other')
    .option('-n, --n <count>', 'pictures of each prompt', wholeNumber('-n', 1, 10_000), 1)
    .option(
      '--seed <seed>',
      'seed of the first picture; the next ones count up from it',
      wholeNumber('--seed', 0, MAX_SEED),
    )
    .option('--model <folder>', `model folder in diffusers' layout (default: the bundled model)`)
    .option('--prior-steps <n>', 'steps of the prior', steps('--prior-steps'))
    .option('--decoder-steps <n>', 'steps of the decoder', steps('--decoder-steps'))
    .option('--sr-steps <n>', 'steps of the upsampler', steps('--sr-steps'))
    .option('--prior-guidance <scale>', 'guidance of the prior; up to 1: none', guidance('--prior-guidance'))
    .option('--decoder-guidance <scale>', 'guidance of the decoder; up to 1: none', guidance('--decoder-guidance'))
    .option('--dtype <type>', 'storage of numbers: auto, f32, f16', oneOf('--dtype', ['auto', 'f32', 'f16']))
    .option('--weights <format>', WEIGHTS_HELP, oneOf('--weights', WEIGHT_FORMATS))
    .option('--adapter <kind>', 'auto, hardware, software', oneOf('--adapter', ['auto', 'hardware', 'software']))
    .option('--batch-size <n>', 'most pictures drawn at once', wholeNumber('--batch-size', 1, 1024))
    .option('--weight-budget <bytes>', 'most bytes of weights on the GPU, such as 4GiB', byteCount('--weight-budget'))
    .option(
      '--deterministic',
      'kernels by fixed rules, whatever `unclip tune` measured: the same bits before and after it',
    )
    .option('--out <path>', 'folder or picture file (default: the current folder)')
    .option('--format <format>', PICTURE_FORMATS.join(', '), oneOf('--format', PICTURE_FORMATS))
    .option('--quality <n>', 'quality of JPEG and WebP, 1 to 100', wholeNumber('--quality', 1, 100))
    .option('--from <picture>', 'draw this picture again, from what is written in it; other options change that')
    .option('--save-steps', 'save a preview of each step of decoder and upsampler beside the picture')
    .option('--json', 'print one JSON document about the pictures')
    .option('-q, --quiet', 'no progress, only the paths of the pictures')
    .action((prompts: string[], options: GenerateOptions) => generate(prompts, options, context));
}

async function generate(given: readonly string[], options: GenerateOptions, context: CommandContext): Promise<void> {
  const { stdout, stderr, signal } = context;
  const replay = options.from === undefined ? undefined : await readReplay(options.from);
  const prompts = given.length > 0 ? given : [replay?.prompt].filter((p) => p !== undefined);
  if (prompts.length === 0)
    throw new UsageError('there is no prompt; say what to draw: unclip generate "a red ball on the grass"');
  const model = options.model ?? replay?.model ?? BUNDLED;
  const folder = modelFolder(model);
  const settings = {
    n: options.n,
    seed: options.seed ?? replay?.seed ?? Math.floor(Math.random() * RANDOM_SEEDS),
    priorSteps: options.priorSteps ?? replay?.priorSteps,
    decoderSteps: options.decoderSteps ?? replay?.decoderSteps,
    superResSteps: options.srSteps ?? replay?.superResSteps,
    priorGuidanceScale: options.priorGuidance ?? replay?.priorGuidanceScale,
    decoderGuidanceScale: options.decoderGuidance ?? replay?.decoderGuidanceScale,
  };
  const { defaults } = readModelInfo(folder);
  for (const prompt of prompts) checkRequest({ prompt, ...settings }, defaults);
  if (settings.seed > MAX_SEED - settings.n + 1)
    throw new UsageError(
      `the seed of the last of ${settings.n} pictures would be over 2^53 - 1; give a smaller --seed`,
    );
  const total = prompts.length * settings.n;
  const output = new Output(options.out, options.format, total > 1);

  const begin = performance.now();
  const loadOptions: LoadOptions = {
    dtype: options.dtype ?? replay?.dtype,
    weights: options.weights ?? replay?.weights,
    adapter: options.adapter,
    batchSize: options.batchSize,
    weightBudgetBytes: options.weightBudget,
    deterministic: options.deterministic,
  };
  const unclip = await loadUnlessAborted(folder, loadOptions, signal);
  try {
    if (replay !== undefined) warnOfDifferences(replay, unclip, stderr);
    const drawing = new Drawing(unclip, model, output, context, {
      quality: options.quality,
      saveSteps: options.saveSteps ?? false,
      quiet: options.quiet ?? false,
      openMs: performance.now() - begin,
    });
    const drawn = await drawing.draw(prompts, settings);
    if (options.json) printJson(stdout, asJson(drawn, unclip, model, performance.now() - begin));
    else for (const { file } of drawn.pictures) printLine(stdout, file);
    if (!options.quiet && !options.json) printLine(stderr, summary(drawn, unclip, performance.now() - begin));
  } finally {
    await unclip.dispose();
  }
}

/** Loads a model; gives up as soon as the signal is given, although loading itself cannot be stopped. */
async function loadUnlessAborted(folder: string, options: LoadOptions, signal: AbortSignal): Promise<Unclip> {
  signal.throwIfAborted();
  const loading = Unclip.load(folder, options);
  let stop = (): void => {};
  const aborted = new Promise<never>((_, reject) => {
    stop = () => {
      loading.then((unclip) => unclip.dispose()).catch(() => {});
      reject(signal.reason);
    };
    signal.addEventListener('abort', stop, { once: true });
  });
  try {
    return await Promise.race([loading, aborted]);
  } finally {
    signal.removeEventListener('abort', stop);
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

const STAGES: Readonly<Record<string, string>> = { superRes: 'upsampler' };

function summary({ timings }: Drawn, unclip: Unclip, totalMs: number): string {
  const stages = [...timings].map(([stage, ms]) => `${STAGES[stage] ?? stage} ${Math.round(ms)} ms`).join(', ');
  const { name, software } = unclip.adapter;
  return `${name}${software ? ' (software)' : ''}, ${unclip.dtype}${unclip.weights === 'full' ? '' : `, weights ${unclip.weights}`}\n${stages}; ${formatDuration(totalMs)} in all`;
}

function asJson({ pictures, timings, unknownWords }: Drawn, unclip: Unclip, model: string, totalMs: number): object {
  const milliseconds = (ms: number): number => Math.round(ms * 10) / 10;
  return {
    pictures,
    model: { folder: model, name: unclip.model.info.name, hash: unclip.model.hash },
    adapter: unclip.adapter,
    dtype: unclip.dtype,
    weights: unclip.weights,
    unknownWords,
    timings: [...timings].map(([stage, ms]) => ({ stage, ms: milliseconds(ms) })),
    totalMs: milliseconds(totalMs),
  };
}

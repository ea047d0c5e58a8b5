import { createReadStream } from 'node:fs';
import { access, constants, mkdir, rm } from 'node:fs/promises';
import { join } from 'node:path';
import { Command } from 'commander';
import { FolderLock } from '../batch/folder-lock.js';
import { FolderStore } from '../batch/folder-store.js';
import { Manifest } from '../batch/manifest.js';
import type { PictureStore } from '../batch/picture-store.js';
import { type BatchProgress, runBatch } from '../batch/run-batch.js';
import { ShardStore } from '../batch/shard-store.js';
import { WEIGHT_FORMATS, type WeightFormat } from '../graph/quantize.js';
import { PICTURE_FORMATS, type PictureFormat } from '../image/encode.js';
import { Unclip } from '../pipelines/unclip.js';
import { UnclipError } from '../util/errors.js';
import { BUNDLED, modelFolder } from './models.js';
import { byteCount, oneOf, WEIGHTS_HELP, wholeNumber } from './options.js';
import { ENDINGS, makeFolder } from './output.js';
import { batchProgress } from './ui/batch-progress.js';
import { formatDuration, plural } from './ui/format.js';
import { type CommandContext, printJson, printLine } from './ui/terminal.js';

interface BatchCommandOptions {
  readonly out: string;
  readonly model: string;
  readonly seed: number;
  readonly format: PictureFormat;
  readonly quality?: number;
  readonly layout: 'folders' | 'shards';
  readonly shardSize: number;
  readonly dtype?: 'auto' | 'f32' | 'f16';
  readonly weights?: WeightFormat;
  readonly adapter?: 'auto' | 'hardware' | 'software';
  readonly batchSize?: number;
  readonly weightBudget?: number;
  readonly deterministic?: boolean;
  readonly json?: boolean;
  readonly quiet?: boolean;
}

/** Files of a run in its output folder. */
const MANIFEST = 'manifest.jsonl';
const ERRORS = 'errors.jsonl';
const LOCK = '.unclip-lock';
const TEMPORARY = '.unclip-tmp';

/** `unclip batch`: one picture file for every line of a file of requests, however many there are. */
export function batchCommand(context: CommandContext): Command {
  return new Command('batch')
    .description('draw every line of a JSONL file; the same command again goes on where the last one stopped')
    .argument('<file>', 'a request a line: {"prompt": "…", "n": 2, "seed": 7}, or OpenAI Batch lines; - reads stdin')
    .requiredOption('--out <folder>', `folder of the pictures, of ${MANIFEST} and ${ERRORS}`)
    .option('--model <folder>', `model folder in diffusers' layout`, BUNDLED)
    .option('--seed <seed>', 'what seeds of lines without one are made from', wholeNumber('--seed', 0, 2 ** 32), 0)
    .option('--format <format>', PICTURE_FORMATS.join(', '), oneOf('--format', PICTURE_FORMATS), 'png')
    .option('--quality <n>', 'quality of JPEG and WebP, 1 to 100', wholeNumber('--quality', 1, 100))
    .option(
      '--layout <layout>',
      'folders: a file each, in folders by hash; shards: WebDataset tar files',
      oneOf('--layout', ['folders', 'shards']),
      'folders',
    )
    .option('--shard-size <n>', 'pictures in a shard', wholeNumber('--shard-size', 1, 1_000_000), 1000)
    .option('--dtype <type>', 'storage of numbers: auto, f32, f16', oneOf('--dtype', ['auto', 'f32', 'f16']))
    .option('--weights <format>', WEIGHTS_HELP, oneOf('--weights', WEIGHT_FORMATS))
    .option('--adapter <kind>', 'auto, hardware, software', oneOf('--adapter', ['auto', 'hardware', 'software']))
    .option('--batch-size <n>', 'most pictures drawn at once', wholeNumber('--batch-size', 1, 1024))
    .option('--weight-budget <bytes>', 'most bytes of weights on the GPU, such as 4GiB', byteCount('--weight-budget'))
    .option('--deterministic', 'kernels by fixed rules, whatever `unclip tune` measured')
    .option('--json', 'print one JSON document about the run')
    .option('-q, --quiet', 'no progress')
    .action((file: string, options: BatchCommandOptions) => batch(file, options, context));
}

async function batch(file: string, options: BatchCommandOptions, context: CommandContext): Promise<void> {
  const { signal, stdout, stderr } = context;
  const input = await openInput(file);
  const folder = modelFolder(options.model);
  const begin = performance.now();
  const unclip = await Unclip.load(folder, {
    dtype: options.dtype,
    weights: options.weights,
    adapter: options.adapter,
    batchSize: options.batchSize,
    weightBudgetBytes: options.weightBudget,
    deterministic: options.deterministic,
  });
  try {
    makeFolder(options.out);
    const lock = await FolderLock.take(join(options.out, LOCK));
    try {
      const result = await drawAll(unclip, input, options, context);
      const seconds = (performance.now() - begin) / 1000;
      if (options.json) printJson(stdout, { ...result, seconds, manifest: join(options.out, MANIFEST) });
      else if (!options.quiet) printLine(stderr, summary(result, performance.now() - begin, options.out));
    } finally {
      await lock.release();
    }
  } catch (error) {
    if (!(error instanceof UnclipError) || error.code !== 'CANCELLED' || !signal.aborted) throw error;
    throw new UnclipError('CANCELLED', 'the batch was interrupted; the same command goes on from here');
  } finally {
    await unclip.dispose();
  }
}

async function drawAll(
  unclip: Unclip,
  input: BatchInput,
  options: BatchCommandOptions,
  { signal, stderr }: CommandContext,
): Promise<BatchProgress> {
  const { out, format, quality, seed } = options;
  const temporary = join(out, TEMPORARY);
  const errorsFile = join(out, ERRORS);
  // What a killed process left; its bad lines are met again.
  await rm(temporary, { recursive: true, force: true });
  await rm(errorsFile, { force: true });
  await mkdir(temporary);
  const shards = new Map<string, { pictures: number; end: number }>();
  const manifest = await Manifest.open(join(out, MANIFEST), (name, end) => {
    if (end === undefined) return;
    const shard = shards.get(name);
    shards.set(name, { pictures: (shard?.pictures ?? 0) + 1, end: Math.max(end, shard?.end ?? 0) });
  });
  const store: PictureStore =
    options.layout === 'folders'
      ? new FolderStore(out, temporary, ENDINGS[format])
      : new ShardStore(out, ENDINGS[format], options.shardSize, shards);
  const scheduler = unclip.scheduler();
  const progress = batchProgress(stderr, options.quiet ?? false, await input.countLines(), scheduler);
  try {
    return await runBatch({
      unclip,
      scheduler,
      input: input.open(),
      store,
      manifest,
      errorsFile,
      format,
      quality,
      seed,
      modelName: options.model,
      ahead: 4 * unclip.batchSize,
      signal,
      onProgress: (p) => progress.update(p),
    });
  } finally {
    progress.stop();
    await scheduler.close();
    await store.close();
    await manifest.close();
    await rm(temporary, { recursive: true, force: true });
  }
}

interface BatchInput {
  open(): AsyncIterable<Buffer>;
  /** Undefined where it cannot be known beforehand. */
  countLines(): Promise<number | undefined>;
}

/** @throws UnclipError IO_FAILED when the file cannot be read */
async function openInput(file: string): Promise<BatchInput> {
  if (file === '-') return { open: () => process.stdin, countLines: async () => undefined };
  try {
    await access(file, constants.R_OK);
  } catch (cause) {
    throw new UnclipError('IO_FAILED', `cannot read ${file} (${(cause as NodeJS.ErrnoException).code})`, { cause });
  }
  return {
    open: () => createReadStream(file),
    async countLines() {
      let lines = 0;
      for await (const chunk of createReadStream(file))
        for (let at = chunk.indexOf(10); at >= 0; at = chunk.indexOf(10, at + 1)) lines++;
      return lines;
    },
  };
}

function summary({ lines, drawn, kept, bad }: BatchProgress, ms: number, out: string): string {
  const parts = [`${plural(drawn, 'picture')} drawn in ${formatDuration(ms)}`];
  if (kept > 0) parts.push(`${kept} were there already`);
  if (bad > 0) parts.push(`${plural(bad, 'line')} of ${lines} could not be drawn: ${join(out, ERRORS)}`);
  return parts.join(', ');
}

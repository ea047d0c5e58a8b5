import { createReadStream } from 'node:fs';
import { access, constants, rm } from 'node:fs/promises';
import { dirname, join, resolve } from 'node:path';
import { Command } from 'commander';
import { FolderLock } from '../batch/folder-lock.js';
import { FolderStore } from '../batch/folder-store.js';
import { LocalDrawer } from '../batch/local-drawer.js';
import { Manifest } from '../batch/manifest.js';
import type { BatchTarget, Drawer } from '../batch/picture-job.js';
import type { PictureStore } from '../batch/picture-store.js';
import { type BatchProgress, runBatch } from '../batch/run-batch.js';
import { ShardStore } from '../batch/shard-store.js';
import { PICTURE_FORMATS, type PictureFormat } from '../image/encode.js';
import type { PictureScheduler } from '../pipelines/scheduler/picture-scheduler.js';
import { UnclipError } from '../util/errors.js';
import { openPlace, readTarget } from './batch-target.js';
import { UsageError } from './failure.js';
import { oneOf, wholeNumber } from './options.js';
import { ENDINGS, makeFolder } from './output.js';
import { type PoolCommandOptions, withPoolOptions } from './pool-options.js';
import { batchProgress } from './ui/batch-progress.js';
import { formatDuration, plural } from './ui/format.js';
import { type CommandContext, printJson, printLine } from './ui/terminal.js';

/** Files of a run in its output folder. */
const MANIFEST = 'manifest.jsonl';
const ERRORS = 'errors.jsonl';
const LOCK = '.unclip-lock';

interface BatchCommandOptions extends PoolCommandOptions {
  readonly out: string;
  readonly seed: number;
  readonly format: PictureFormat;
  readonly quality?: number;
  readonly layout: 'folders' | 'shards';
  readonly shardSize: number;
  readonly queue?: string;
  readonly json?: boolean;
  readonly quiet?: boolean;
}

/** Pictures that a producer keeps on a queue, for any number of workers. */
const QUEUED_AHEAD = 256;

/** `unclip batch`: one picture file for every line of a file of requests, however many there are. */
export function batchCommand(context: CommandContext): Command {
  const command = new Command('batch')
    .description('draw every line of a JSONL file; the same command again goes on where the last one stopped')
    .argument(
      '<file>',
      'a request a line: {"prompt": "…", "n": 2, "seed": 7}, with "image" and "mask" an edit, with "image" alone variations; or OpenAI Batch lines; - reads stdin',
    )
    .requiredOption('--out <folder>', `folder of the pictures, of ${MANIFEST} and ${ERRORS}`)
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
    .option(
      '--queue <url>',
      'let workers draw: redis://host:port (see `unclip worker`; --out is the folder they share)',
    )
    .option('--json', 'print one JSON document about the run')
    .option('-q, --quiet', 'no progress');
  return withPoolOptions(command).action((file: string, options: BatchCommandOptions) => batch(file, options, context));
}

async function batch(file: string, options: BatchCommandOptions, context: CommandContext): Promise<void> {
  const { signal, stdout, stderr } = context;
  if (options.queue !== undefined && options.layout === 'shards')
    throw new UsageError('--layout shards has one writer only; workers of a --queue write --layout folders');
  if (options.queue !== undefined && (options.workers ?? options.adapters) !== undefined)
    throw new UsageError(
      '--workers and --adapters draw on this machine; pictures on a --queue are drawn by `unclip worker`',
    );
  const input = await openInput(file);
  const begin = performance.now();
  makeFolder(options.out);
  const lock = await FolderLock.take(join(options.out, LOCK));
  try {
    const work = options.queue === undefined ? drawHere : drawElsewhere;
    const result = await work(input, options, context);
    const ms = performance.now() - begin;
    if (options.json) printJson(stdout, { ...result, seconds: ms / 1000, manifest: join(options.out, MANIFEST) });
    else if (!options.quiet) printLine(stderr, summary(result, ms, options.out));
  } catch (error) {
    if (!(error instanceof UnclipError) || error.code !== 'CANCELLED' || !signal.aborted) throw error;
    throw new UnclipError('CANCELLED', 'the batch was interrupted; the same command goes on from here');
  } finally {
    await lock.release();
  }
}

/** Draws on this machine. */
async function drawHere(
  input: BatchInput,
  options: BatchCommandOptions,
  context: CommandContext,
): Promise<BatchProgress> {
  const { out, format, quality } = options;
  const place = await openPlace(options, context.signal);
  const { scheduler, target } = place;
  try {
    const shards = new Map<string, { pictures: number; end: number }>();
    const manifest = await Manifest.open(join(out, MANIFEST), (name, end) => {
      if (end === undefined) return;
      const shard = shards.get(name);
      shards.set(name, { pictures: (shard?.pictures ?? 0) + 1, end: Math.max(end, shard?.end ?? 0) });
    });
    const store =
      options.layout === 'folders'
        ? await FolderStore.open(out, ENDINGS[format], { alone: true })
        : new ShardStore(out, ENDINGS[format], options.shardSize, shards);
    const drawer = new LocalDrawer(place, store, quality);
    const ahead = 2 * scheduler.capacity;
    return await readAndDraw(input, options, context, { target, drawer, store, manifest, ahead, scheduler });
  } finally {
    await place.close();
  }
}

/** Puts the pictures on a queue; this process needs no GPU. */
async function drawElsewhere(
  input: BatchInput,
  options: BatchCommandOptions,
  context: CommandContext,
): Promise<BatchProgress> {
  const { out, format } = options;
  const target = readTarget(options);
  // Only here: loading BullMQ takes longer than most commands.
  const { QueueDrawer } = await import('../batch/queue/picture-queue.js');
  const drawer = await QueueDrawer.open(options.queue!, target);
  try {
    const manifest = await Manifest.open(join(out, MANIFEST));
    const store = await FolderStore.open(out, ENDINGS[format]);
    return await readAndDraw(input, options, context, { target, drawer, store, manifest, ahead: QUEUED_AHEAD });
  } finally {
    await drawer.close();
  }
}

interface Means {
  readonly target: BatchTarget;
  readonly drawer: Drawer;
  readonly store: PictureStore;
  readonly manifest: Manifest;
  readonly ahead: number;
  readonly scheduler?: PictureScheduler;
}

async function readAndDraw(
  input: BatchInput,
  { out, seed, quiet }: BatchCommandOptions,
  { signal, stderr }: CommandContext,
  { scheduler, ...means }: Means,
): Promise<BatchProgress> {
  const errorsFile = join(out, ERRORS);
  // Bad lines of an earlier run are met again.
  await rm(errorsFile, { force: true });
  const progress = batchProgress(stderr, quiet ?? false, await input.countLines(), scheduler);
  try {
    const onProgress = (p: BatchProgress): void => progress.update(p);
    return await runBatch({
      ...means,
      input: input.open(),
      picturesFolder: input.folder,
      errorsFile,
      seed,
      signal,
      onProgress,
    });
  } finally {
    progress.stop();
    await means.store.close();
    await means.manifest.close();
  }
}

interface BatchInput {
  /** What relative paths in it begin at. */
  readonly folder: string;
  open(): AsyncIterable<Buffer>;
  /** Undefined where it cannot be known beforehand. */
  countLines(): Promise<number | undefined>;
}

/** @throws UnclipError IO_FAILED when the file cannot be read */
async function openInput(file: string): Promise<BatchInput> {
  if (file === '-') return { folder: process.cwd(), open: () => process.stdin, countLines: async () => undefined };
  try {
    await access(file, constants.R_OK);
  } catch (cause) {
    throw new UnclipError('IO_FAILED', `cannot read ${file} (${(cause as NodeJS.ErrnoException).code})`, { cause });
  }
  return {
    folder: dirname(resolve(file)),
    open: () => createReadStream(file),
    async countLines() {
      let lines = 0;
      for await (const chunk of createReadStream(file))
        for (let at = chunk.indexOf(10); at >= 0; at = chunk.indexOf(10, at + 1)) lines++;
      return lines;
    },
  };
}

function summary({ lines, drawn, kept, bad, failed }: BatchProgress, ms: number, out: string): string {
  const parts = [`${plural(drawn, 'picture')} drawn in ${formatDuration(ms)}`];
  if (kept > 0) parts.push(`${kept} were there already`);
  if (bad > 0) parts.push(`${plural(bad, 'line')} of ${lines} could not be read`);
  if (failed > 0) parts.push(`${plural(failed, 'picture')} could not be drawn`);
  if (bad + failed > 0) parts.push(`see ${join(out, ERRORS)}`);
  return parts.join(', ');
}

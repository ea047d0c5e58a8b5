import { Command } from 'commander';
import { FolderStore } from '../batch/folder-store.js';
import { LocalDrawer } from '../batch/local-drawer.js';
import { PICTURE_FORMATS, type PictureFormat } from '../image/encode.js';
import { openPlace, sharedDType } from './batch-target.js';
import { oneOf, wholeNumber } from './options.js';
import { ENDINGS, makeFolder } from './output.js';
import { type PoolCommandOptions, withPoolOptions } from './pool-options.js';
import { onOneLine, plural } from './ui/format.js';
import { type CommandContext, printLine } from './ui/terminal.js';

interface WorkerCommandOptions extends PoolCommandOptions {
  readonly queue: string;
  readonly out: string;
  readonly format: PictureFormat;
  readonly quality?: number;
  readonly lock: number;
  readonly quiet?: boolean;
}

/** `unclip worker`: draws what `unclip batch --queue` asks for, on as many machines as there are. */
export function workerCommand(context: CommandContext): Command {
  const command = new Command('worker')
    .description('draw pictures from a queue until Ctrl-C; `unclip batch --queue` fills it')
    .requiredOption('--queue <url>', 'redis://host:port')
    .requiredOption('--out <folder>', 'folder of the pictures, shared with those who ask for them')
    .option('--format <format>', 'as the producer has it', oneOf('--format', PICTURE_FORMATS), 'png')
    .option('--quality <n>', 'quality of JPEG and WebP, 1 to 100', wholeNumber('--quality', 1, 100))
    .option(
      '--lock <seconds>',
      'pictures of a worker that gives no sign of life for this long are taken over',
      wholeNumber('--lock', 1, 3600),
      30,
    )
    .option('-q, --quiet', 'print nothing but errors');
  return withPoolOptions(command).action((options: WorkerCommandOptions) => work(options, context));
}

async function work(options: WorkerCommandOptions, { signal, stderr }: CommandContext): Promise<void> {
  const { queue, out, format, quality, lock, quiet } = options;
  // Only here: loading BullMQ takes longer than most commands.
  const { PictureWorker } = await import('../batch/queue/picture-worker.js');
  makeFolder(out);
  const place = await openPlace({ ...options, dtype: sharedDType(options) }, signal);
  const { scheduler, target } = place;
  const store = await FolderStore.open(out, ENDINGS[format]);
  try {
    let drawn = 0;
    const worker = await PictureWorker.start({
      url: queue,
      target,
      drawer: new LocalDrawer(place, store, quality),
      // One batch is drawn while the next one's pictures are fetched.
      concurrency: scheduler.capacity,
      lockMs: 1000 * lock,
      onPicture: ({ file, prompt }) => {
        drawn++;
        if (!quiet) printLine(stderr, `${file}  ${onOneLine(prompt, 60)}`);
      },
      onFailure: (message) => printLine(stderr, `failed: ${onOneLine(message, 200)}`),
    });
    if (!quiet) printLine(stderr, `waiting for pictures of ${target.model} (${target.modelHash}); Ctrl-C ends`);
    await new Promise<void>((resolve) => {
      if (signal.aborted) resolve();
      signal.addEventListener('abort', () => resolve(), { once: true });
    });
    await worker.close();
    if (!quiet) printLine(stderr, `${plural(drawn, 'picture')} drawn`);
  } finally {
    await place.close();
    await store.close();
  }
}

import { Command } from 'commander';
import { MAX_PIXELS } from '../image/picture.js';
import type { Unclip } from '../pipelines/unclip.js';
import { checkConfig, LOG_LEVELS, type LogLevel, type ServeConfig } from '../serve/config.js';
import { ApiKeys } from '../serve/http/api-keys.js';
import type { Drained } from '../serve/server.js';
import { loadOptions, loadUnlessAborted } from './model-options.js';
import { BUNDLED, modelFolder } from './models.js';
import { byteCount, decimalNumber, oneOf, wholeNumber } from './options.js';
import { loadPool, type PoolCommandOptions, withPoolOptions } from './pool-options.js';
import { textArguments } from './text-arguments.js';
import { plural } from './ui/format.js';
import { type CommandContext, printLine } from './ui/terminal.js';

interface ServeCommandOptions extends PoolCommandOptions {
  readonly host?: string;
  readonly port?: number;
  readonly alias?: readonly string[];
  readonly apiKeys?: string;
  readonly withoutApiKeys?: boolean;
  readonly rateLimit?: number;
  readonly maxQueue?: number;
  readonly queueDeadline?: number;
  readonly runDeadline?: number;
  readonly maxSteps?: number;
  readonly maxPixels?: number;
  readonly bodyLimit?: number;
  readonly pictures?: string;
  readonly pictureTtl?: number;
  readonly publicUrl?: string;
  readonly page: boolean;
  readonly captions?: readonly string[];
  readonly drainLimit?: number;
  readonly unfinished?: string;
  readonly logLevel?: LogLevel;
  readonly logPrompts?: boolean;
}

const DAY = 86_400;
const seconds = (name: string, min: number) => decimalNumber(name, min, DAY);

/** `unclip serve`: OpenAI's Images API over HTTP, until it is told to end. */
export function serveCommand(context: CommandContext): Command {
  const command = new Command('serve')
    .description(
      "serve OpenAI's Images API over HTTP; logs are JSON lines on stdout, SIGTERM and Ctrl-C end it in order",
    )
    .option('--host <address>', 'address to listen on (default: 127.0.0.1, this machine alone)')
    .option('--port <n>', 'port to listen on, 0 for any (default: 8000)', wholeNumber('--port', 0, 65535))
    .option('--alias <name>', 'another name that requests may call the model by; may be given again', collect)
    .option('--api-keys <file>', 'let only requests with a key of this file in; `unclip api-key` makes one')
    .option('--without-api-keys', 'let everybody in, from other machines too')
    .option('--rate-limit <n>', 'requests a minute of one key or address', wholeNumber('--rate-limit', 1, 1_000_000))
    .option('--max-queue <n>', 'most pictures that wait (default: 256)', wholeNumber('--max-queue', 1, 100_000))
    .option('--queue-deadline <s>', 'longest wait to begin, seconds (default: 300)', seconds('--queue-deadline', 0.01))
    .option('--run-deadline <s>', 'longest time from there, seconds (default: 600)', seconds('--run-deadline', 0.01))
    .option('--max-steps <n>', 'most steps of a stage (default: 250)', wholeNumber('--max-steps', 2, 1000))
    .option(
      '--max-pixels <n>',
      'most pixels of a picture that a request brings (default: 16777216)',
      wholeNumber('--max-pixels', 1, MAX_PIXELS),
    )
    .option('--body-limit <bytes>', 'largest request (default: 64MiB)', byteCount('--body-limit'))
    .option('--pictures <folder>', 'folder of pictures answered as URLs (default: a temporary one)')
    .option('--picture-ttl <s>', 'how long their URLs work, seconds (default: 3600)', seconds('--picture-ttl', 1))
    .option('--public-url <url>', 'what their URLs begin with (default: the address that was asked)')
    .option('--no-page', 'serve the API alone, without the page at /')
    .option(
      '--captions <texts...>',
      "captions, or a file of them, that say what the prior predicts (default: the model's own)",
    )
    .option('--drain-limit <s>', 'time to finish at the end, seconds (default: 30)', seconds('--drain-limit', 0))
    .option('--unfinished <file>', 'name of the file that gets what was not finished then, for `unclip batch`')
    .option('--log-level <level>', `${LOG_LEVELS.join(', ')} (default: info)`, oneOf('--log-level', LOG_LEVELS))
    .option('--log-prompts', 'write prompts into the log');
  return withPoolOptions(command).action((options: ServeCommandOptions) => serve(options, context));
}

async function serve(options: ServeCommandOptions, { stdout, stderr, signal }: CommandContext): Promise<void> {
  const apiKeys = options.apiKeys === undefined ? undefined : await ApiKeys.read(options.apiKeys);
  const captions = options.captions && textArguments('--captions', options.captions);
  const config = checkConfig({ ...configOf(options), apiKeys, captions, logStream: stdout });
  // Only here: loading Fastify takes longer than most commands.
  const { ImageServer } = await import('../serve/server.js');
  const pool = await loadPool(options, { maxQueued: config.maxQueued }, signal);
  let unclip: Unclip | undefined;
  try {
    unclip = await loadUnlessAborted(modelFolder(options.model ?? BUNDLED), loadOptions(options), signal);
    const server = await ImageServer.create(unclip, config, pool);
    const told = endSignal(signal);
    try {
      const address = await server.listen();
      const adapters = pool?.adapters ?? [unclip.adapter];
      const where = [...new Set(adapters.map(({ name }) => name))].join(', ');
      const by = pool === undefined ? '' : `, ${plural(adapters.length, 'worker')}`;
      printLine(stderr, `serving ${unclip.model.info.name} at ${address}/v1 on ${where}${by}`);
      if (config.pageFolder !== null) printLine(stderr, `the page is at ${address}/`);
      await told.promise;
    } finally {
      told.stop();
      reportDrained(await server.drain(), stderr);
    }
  } finally {
    await pool?.close();
    await unclip?.dispose();
  }
}

/** What was given; everything else has the service's own default. */
function configOf(o: ServeCommandOptions): Partial<ServeConfig> {
  const ms = (value: number | undefined): number | undefined => (value === undefined ? undefined : 1000 * value);
  const given = {
    host: o.host,
    port: o.port,
    aliases: o.alias,
    open: o.withoutApiKeys,
    requestsPerMinute: o.rateLimit,
    maxQueued: o.maxQueue,
    queueDeadlineMs: ms(o.queueDeadline),
    runDeadlineMs: ms(o.runDeadline),
    maxSteps: o.maxSteps,
    maxPixels: o.maxPixels,
    bodyLimit: o.bodyLimit,
    picturesFolder: o.pictures,
    pictureTtlMs: ms(o.pictureTtl),
    publicUrl: o.publicUrl,
    ...(o.page ? {} : { pageFolder: null }),
    drainLimitMs: ms(o.drainLimit),
    unfinishedFile: o.unfinished,
    logLevel: o.logLevel,
    logPrompts: o.logPrompts,
  };
  return Object.fromEntries(Object.entries(given).filter(([, value]) => value !== undefined));
}

/** Resolves when the process is told to end: by SIGTERM, or by Ctrl-C. */
function endSignal(signal: AbortSignal): { readonly promise: Promise<void>; stop(): void } {
  let end = (): void => {};
  const promise = new Promise<void>((resolve) => {
    end = resolve;
  });
  process.once('SIGTERM', end);
  signal.addEventListener('abort', end, { once: true });
  if (signal.aborted) end();
  return {
    promise,
    stop() {
      process.off('SIGTERM', end);
      signal.removeEventListener('abort', end);
    },
  };
}

function reportDrained({ unfinished, file }: Drained, stderr: NodeJS.WritableStream): void {
  if (unfinished === 0) return;
  const where = file === undefined ? '' : `; unclip batch ${file} draws them`;
  printLine(stderr, `${plural(unfinished, 'request')} could not be finished${where}`);
}

const collect = (value: string, before: readonly string[] = []): string[] => [...before, value];

import { join } from 'node:path';
import { UnclipError } from '../util/errors.js';
import { packageRoot } from '../util/package-root.js';
import type { ApiKeys } from './http/api-keys.js';

/** How a service of one model behaves. */
export interface ServeConfig {
  readonly host: string;
  /** 0: any that is free. */
  readonly port: number;
  /** Names that requests may call the model by beside its own. */
  readonly aliases: readonly string[];
  /** Who may ask. Undefined: everybody. */
  readonly apiKeys: ApiKeys | undefined;
  /** Lets everybody ask from other machines. */
  readonly open: boolean;
  /** Requests a minute of one key, or of one address where there are no keys; a key's own limit goes before. 0: no limit. */
  readonly requestsPerMinute: number;
  /** Most pictures that wait to begin; more are refused with 429. */
  readonly maxQueued: number;
  /** Longest that a request waits for its first picture to begin, milliseconds. */
  readonly queueDeadlineMs: number;
  /** Longest that a request takes from there on, milliseconds. */
  readonly runDeadlineMs: number;
  /** Most steps of a stage that a request may ask for. */
  readonly maxSteps: number;
  /** Most pixels of a picture that a request brings. */
  readonly maxPixels: number;
  /** Largest body of a request, bytes. */
  readonly bodyLimit: number;
  /** Mean delay of the event loop over a second from which requests are refused with 503, milliseconds. 0: never. */
  readonly maxEventLoopDelayMs: number;
  /** Folder of pictures that are answered as URLs. Undefined: a temporary one, removed at the end. */
  readonly picturesFolder: string | undefined;
  /** How long a picture's URL works, milliseconds. */
  readonly pictureTtlMs: number;
  /** What URLs of pictures begin with. Undefined: the address that the request came to. */
  readonly publicUrl: string | undefined;
  /** Folder of the built page that is served at `/`. Null: none. */
  readonly pageFolder: string | null;
  /** Captions that say what the prior predicts. Undefined: the model's own. */
  readonly captions: readonly string[] | undefined;
  /** Longest that requests under way may go on after the service was told to end, milliseconds. */
  readonly drainLimitMs: number;
  /** Where requests that were not finished then are written, as lines for `unclip batch`. */
  readonly unfinishedFile: string;
  readonly logLevel: LogLevel;
  /** Where log lines go, JSON. */
  readonly logStream: NodeJS.WritableStream;
  /** Writes prompts into the log. */
  readonly logPrompts: boolean;
}

export const LOG_LEVELS = ['silent', 'error', 'warn', 'info', 'debug'] as const;
export type LogLevel = (typeof LOG_LEVELS)[number];

export const DEFAULT_CONFIG: ServeConfig = {
  host: '127.0.0.1',
  port: 8000,
  aliases: [],
  apiKeys: undefined,
  open: false,
  requestsPerMinute: 0,
  maxQueued: 256,
  queueDeadlineMs: 300_000,
  runDeadlineMs: 600_000,
  maxSteps: 250,
  maxPixels: 16 * 2 ** 20,
  bodyLimit: 64 * 2 ** 20,
  maxEventLoopDelayMs: 2000,
  picturesFolder: undefined,
  pictureTtlMs: 3_600_000,
  publicUrl: undefined,
  pageFolder: join(packageRoot(), 'dist', 'page'),
  captions: undefined,
  drainLimitMs: 30_000,
  unfinishedFile: 'unclip-unfinished.jsonl',
  logLevel: 'info',
  logStream: process.stdout,
  logPrompts: false,
};

/** Captions are compared with every prediction of a prior, */
const MOST_CAPTIONS = 10_000;

/** and told to whoever watches it. Characters. */
const LONGEST_CAPTION = 1000;

/** Whether only this machine reaches a host. */
export const isLoopback = (host: string): boolean =>
  host === 'localhost' || host === '::1' || /^127(\.\d+){3}$/.test(host);

const isWebAddress = (url: string): boolean => /^https?:\/\/[^/]/.test(url) && URL.canParse(url);

/**
 * Fills in defaults, and refuses to let strangers in by mistake.
 * @throws UnclipError INPUT_INVALID when other machines could ask without a key and nobody said that they may, or for an address that
 *   is none, or for an empty caption; INPUT_TOO_LARGE for too many captions, or too long ones
 */
export function checkConfig(given: Partial<ServeConfig>): ServeConfig {
  const config = { ...DEFAULT_CONFIG, ...given };
  if (!isLoopback(config.host) && config.apiKeys === undefined && !config.open)
    throw new UnclipError(
      'INPUT_INVALID',
      `host ${config.host} lets other machines ask for pictures: give API keys (--api-keys), or say that everybody may ask (--without-api-keys)`,
    );
  if (config.publicUrl !== undefined && !isWebAddress(config.publicUrl))
    throw new UnclipError(
      'INPUT_INVALID',
      `publicUrl is '${config.publicUrl}': give an address such as https://example.org`,
    );
  if (config.captions !== undefined) checkCaptions(config.captions);
  return config;
}

function checkCaptions(captions: readonly string[]): void {
  if (captions.length > MOST_CAPTIONS)
    throw new UnclipError('INPUT_TOO_LARGE', `captions are ${captions.length}; at most ${MOST_CAPTIONS} are kept`);
  for (const [i, { length }] of captions.entries()) {
    if (length === 0) throw new UnclipError('INPUT_INVALID', `caption ${i + 1} is empty`);
    if (length > LONGEST_CAPTION)
      throw new UnclipError(
        'INPUT_TOO_LARGE',
        `caption ${i + 1} has ${length} characters; at most ${LONGEST_CAPTION} are kept`,
      );
  }
}

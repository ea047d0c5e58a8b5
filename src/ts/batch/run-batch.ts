import { createHash } from 'node:crypto';
import { appendFile } from 'node:fs/promises';
import type { PictureFormat } from '../image/encode.js';
import type { GeneratedImage } from '../pipelines/generated-image.js';
import type { Scheduler } from '../pipelines/scheduler/scheduler.js';
import type { Unclip } from '../pipelines/unclip.js';
import { UnclipError } from '../util/errors.js';
import { type BatchLine, parseBatchLine } from './batch-line.js';
import { contentKey } from './content-key.js';
import { readLines } from './lines.js';
import type { Manifest, ManifestEntry } from './manifest.js';
import type { PictureStore, StoredPicture } from './picture-store.js';

export interface BatchOptions {
  readonly unclip: Unclip;
  readonly scheduler: Scheduler;
  readonly input: AsyncIterable<Buffer>;
  readonly store: PictureStore;
  readonly manifest: Manifest;
  /** File that lines which cannot be drawn are told in, as JSON lines. */
  readonly errorsFile: string;
  readonly format: PictureFormat;
  readonly quality?: number;
  /** What seeds of lines without one are made from. */
  readonly seed: number;
  /** How the model is named in the manifest. */
  readonly modelName: string;
  /** Most pictures asked of the scheduler at once: enough that it never waits for lines. */
  readonly ahead: number;
  readonly signal?: AbortSignal;
  readonly onProgress?: (progress: BatchProgress) => void;
}

export interface BatchProgress {
  /** Lines that have been read. */
  readonly lines: number;
  /** Pictures drawn and kept by this run. */
  readonly drawn: number;
  /** Pictures that were there already. */
  readonly kept: number;
  /** Lines that could not be drawn. */
  readonly bad: number;
}

/** A picture of a line. */
interface Wanted {
  readonly line: BatchLine;
  readonly picture: number;
  readonly key: string;
}

/**
 * Draws every line of a batch file that is not drawn yet. A picture counts as drawn when it is stored and recorded in the
 * manifest, in this order; whatever moment a process is killed at, the next one goes on from there.
 * @throws UnclipError CANCELLED (what is recorded stays), GPU_*, IO_*
 */
export async function runBatch(o: BatchOptions): Promise<BatchProgress> {
  const progress = { lines: 0, drawn: 0, kept: 0, bad: 0 };
  const tell = (): void => o.onProgress?.({ ...progress });
  const underWay = new Set<Promise<void>>();
  const drawing = new Set<string>();
  let failure: { readonly error: unknown } | undefined;
  for await (const { number, text } of readLines(o.input)) {
    if (o.signal?.aborted || failure !== undefined) break;
    progress.lines = number;
    const line = await readLine(o, number, text);
    if (line === undefined) progress.bad++;
    for (let picture = 0; picture < (line?.n ?? 0); picture++) {
      const wanted = { line: line!, picture, key: keyOf(o, line!, picture) };
      // A request that stands twice in the file is one picture.
      if (drawing.has(wanted.key) || (await isThere(o, wanted))) progress.kept++;
      else {
        drawing.add(wanted.key);
        const task = drawOne(o, wanted).then(
          () => {
            progress.drawn++;
            tell();
          },
          (error: unknown) => {
            failure ??= { error };
          },
        );
        const tracked = task.finally(() => {
          underWay.delete(tracked);
          drawing.delete(wanted.key);
        });
        underWay.add(tracked);
        while (underWay.size >= o.ahead) await Promise.race(underWay);
      }
      if (o.signal?.aborted || failure !== undefined) break;
    }
    tell();
  }
  await Promise.all(underWay);
  if (failure !== undefined) throw failure.error;
  if (o.signal?.aborted) throw new UnclipError('CANCELLED', 'the batch was interrupted');
  return progress;
}

/** A line's request; undefined for one that was written to the errors. */
async function readLine(o: BatchOptions, line: number, text: string | undefined): Promise<BatchLine | undefined> {
  try {
    if (text === undefined) throw new UnclipError('INPUT_TOO_LARGE', 'the line is longer than 16 MiB');
    const { info, configs } = o.unclip.model;
    return parseBatchLine(text, line, { defaults: info.defaults, size: configs.superResSize, seed: o.seed });
  } catch (error) {
    if (!(error instanceof UnclipError)) throw error;
    await appendFile(o.errorsFile, `${JSON.stringify({ line, code: error.code, message: error.message })}\n`);
    return undefined;
  }
}

function keyOf({ unclip, format }: BatchOptions, { prompt, seed, settings }: BatchLine, picture: number): string {
  const { model, dtype, weights } = unclip;
  return contentKey({ modelHash: model.hash, dtype, weights, prompt, seed: seed + picture, settings, format });
}

/** Whether a picture is recorded and there; one that is there but not recorded is recorded now. */
async function isThere(o: BatchOptions, wanted: Wanted): Promise<boolean> {
  if (o.manifest.has(wanted.key)) return o.store.has(wanted.key);
  const orphan = await o.store.orphan(wanted.key);
  if (orphan === undefined) return false;
  await o.manifest.append(entryOf(o, wanted, orphan.bytes, orphan.stored));
  return true;
}

async function drawOne(o: BatchOptions, wanted: Wanted): Promise<void> {
  const { line, picture, key } = wanted;
  const { prompt, seed, settings } = line;
  const [drawn] = o.scheduler.submit([{ prompt, seed: seed + picture }], { settings, signal: o.signal });
  const image: GeneratedImage = await drawn!;
  const bytes = await image.encode(o.format, o.quality);
  const about = entryOf(o, wanted, bytes, { file: '' });
  const stored = await o.store.put({ key, bytes, prompt, about: { ...about, file: undefined } });
  await o.manifest.append({ ...about, ...stored });
}

function entryOf(
  { unclip, modelName }: BatchOptions,
  { line, picture, key }: Wanted,
  bytes: Uint8Array,
  stored: StoredPicture,
): ManifestEntry {
  const { model, dtype, weights, adapter } = unclip;
  const size = model.configs.superResSize;
  return {
    key,
    line: line.line,
    picture,
    id: line.id,
    prompt: line.prompt,
    seed: line.seed + picture,
    settings: line.settings,
    model: modelName,
    modelHash: model.hash,
    dtype,
    weights,
    adapter: adapter.name,
    version: unclip.version,
    ...stored,
    sha256: createHash('sha256').update(bytes).digest('hex'),
    bytes: bytes.length,
    width: size,
    height: size,
    time: new Date().toISOString(),
  };
}

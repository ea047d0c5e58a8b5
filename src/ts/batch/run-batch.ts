import { appendFile } from 'node:fs/promises';
import { UnclipError } from '../util/errors.js';
import { type BatchLine, parseBatchLine } from './batch-line.js';
import { type Brought, findPictures } from './brought-pictures.js';
import { readLines } from './lines.js';
import type { Manifest } from './manifest.js';
import { type BatchTarget, type Drawer, jobKey, type PictureJob } from './picture-job.js';
import type { PictureStore } from './picture-store.js';

export interface BatchOptions {
  readonly target: BatchTarget;
  readonly drawer: Drawer;
  readonly input: AsyncIterable<Buffer>;
  /** Asked whether a recorded picture is still there. */
  readonly store: Pick<PictureStore, 'has'>;
  readonly manifest: Manifest;
  /** File that lines which cannot be drawn are told in, as JSON lines. */
  readonly errorsFile: string;
  /** What relative paths of pictures begin at. */
  readonly picturesFolder: string;
  /** What seeds of lines without one are made from. */
  readonly seed: number;
  /** Most pictures asked of the drawer at once: enough that it never waits for lines. */
  readonly ahead: number;
  readonly signal?: AbortSignal;
  readonly onProgress?: (progress: BatchProgress) => void;
}

export interface BatchProgress {
  /** Lines that have been read. */
  readonly lines: number;
  /** Pictures recorded by this run. */
  readonly drawn: number;
  /** Pictures that were recorded already. */
  readonly kept: number;
  /** Lines that could not be read. */
  readonly bad: number;
  /** Pictures that could not be drawn, for reasons of their own. */
  readonly failed: number;
}

/**
 * Draws every line of a batch file that is not drawn yet. A picture counts as drawn when it is stored and recorded in the
 * manifest, in this order; whatever moment a process is killed at, the next one goes on from there.
 * @throws UnclipError CANCELLED (what is recorded stays), GPU_*, IO_*
 */
export async function runBatch(o: BatchOptions): Promise<BatchProgress> {
  const progress = { lines: 0, drawn: 0, kept: 0, bad: 0, failed: 0 };
  const tell = (): void => o.onProgress?.({ ...progress });
  const underWay = new Set<Promise<void>>();
  const drawing = new Set<string>();
  let failure: { readonly error: unknown } | undefined;
  const draw = async (job: PictureJob): Promise<void> => {
    drawing.add(job.key);
    try {
      await o.manifest.append(await o.drawer.draw(job, o.signal));
      progress.drawn++;
      tell();
    } catch (error) {
      if (!isOfThePicture(error)) {
        failure ??= { error };
        return;
      }
      progress.failed++;
      await tellError(o, { line: job.line, picture: job.picture }, error);
    } finally {
      drawing.delete(job.key);
    }
  };
  const stopped = (): boolean => o.signal?.aborted === true || failure !== undefined;
  for await (const { number, text } of readLines(o.input)) {
    if (stopped()) break;
    progress.lines = number;
    const line = await readLine(o, number, text);
    if (line === undefined) progress.bad++;
    for (let picture = 0; picture < (line?.n ?? 0) && !stopped(); picture++) {
      const job = jobOf(o.target, line!, picture);
      // A request that stands twice in the file is one picture.
      if (drawing.has(job.key) || (o.manifest.has(job.key) && (await o.store.has(job.key)))) {
        progress.kept++;
        continue;
      }
      const tracked = draw(job).finally(() => underWay.delete(tracked));
      underWay.add(tracked);
      while (underWay.size >= o.ahead) await Promise.race(underWay);
    }
    tell();
  }
  await Promise.all(underWay);
  if (failure !== undefined) throw failure.error;
  if (o.signal?.aborted) throw new UnclipError('CANCELLED', 'the batch was interrupted');
  return progress;
}

interface ReadLine extends BatchLine {
  readonly brought?: Brought;
}

/** A line's request; undefined for one that was written to the errors. */
async function readLine(o: BatchOptions, line: number, text: string | undefined): Promise<ReadLine | undefined> {
  const { defaults, size } = o.target;
  try {
    if (text === undefined) throw new UnclipError('INPUT_TOO_LARGE', 'the line is longer than 16 MiB');
    const request = parseBatchLine(text, line, { defaults, size, seed: o.seed });
    o.target.requireNetworks(request.settings, request.named?.operation);
    return { ...request, brought: request.named && (await findPictures(o.picturesFolder, request.named)) };
  } catch (error) {
    if (!(error instanceof UnclipError)) throw error;
    await tellError(o, { line }, error);
    return undefined;
  }
}

/** What is wrong with this picture alone; the others are drawn. */
const isOfThePicture = (error: unknown): error is UnclipError =>
  error instanceof UnclipError &&
  (error.code.startsWith('INPUT_') || ['QUEUE_JOB_FAILED', 'WORKER_DIED'].includes(error.code));

const tellError = (o: BatchOptions, where: object, { code, message }: UnclipError): Promise<void> =>
  appendFile(o.errorsFile, `${JSON.stringify({ ...where, code, message })}\n`);

function jobOf(target: BatchTarget, line: ReadLine, picture: number): PictureJob {
  const { id, prompt, settings, brought } = line;
  const job = { line: line.line, picture, id, prompt, seed: line.seed + picture, settings, brought };
  return { ...job, key: jobKey(target, job) };
}

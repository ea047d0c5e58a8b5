import { createReadStream, existsSync } from 'node:fs';
import { type FileHandle, open, truncate } from 'node:fs/promises';
import { z } from 'zod';
import type { SamplingSettings } from '../pipelines/settings.js';
import { UnclipError } from '../util/errors.js';
import type { Brought } from './brought-pictures.js';
import { KeySet } from './key-set.js';
import { readLines } from './lines.js';

/** A finished picture: enough to find it, to check it and to make it again. */
export interface ManifestEntry {
  /** Content key, see content-key.ts. */
  readonly key: string;
  /** Where it came from: line of the batch file, number within the line's pictures, the line's own id. */
  readonly line: number;
  readonly picture: number;
  readonly id?: string;
  readonly prompt: string;
  readonly seed: number;
  readonly settings: SamplingSettings;
  /** What it was drawn from, beside its words. */
  readonly brought?: Brought;
  readonly model: string;
  readonly modelHash: string;
  readonly dtype: string;
  readonly weights: string;
  readonly adapter: string;
  readonly version: string;
  /** Path below the output folder, with slashes; of the shard where pictures lie in shards. */
  readonly file: string;
  /** Position of the picture's record in its shard, and the record's end, bytes. */
  readonly offset?: number;
  readonly end?: number;
  /** Of the picture file's contents. */
  readonly sha256: string;
  readonly bytes: number;
  readonly width: number;
  readonly height: number;
  /** ISO 8601. */
  readonly time: string;
}

const known = z.looseObject({ key: z.string().regex(/^[0-9a-f]{64}$/), file: z.string(), end: z.number().optional() });

/** The append-only record of a batch run, one JSON line a picture. */
export class Manifest {
  readonly #path: string;
  readonly #keys: KeySet;
  readonly #file: FileHandle;

  private constructor(path: string, keys: KeySet, file: FileHandle) {
    this.#path = path;
    this.#keys = keys;
    this.#file = file;
  }

  /**
   * Opens a manifest and reads which pictures it has. A last line that was cut off by the end of an earlier process is removed.
   * @param onEntry told of each entry's file, and of the end of its record in that file where it lies in a shard
   * @throws UnclipError IO_FAILED when it cannot be read or holds lines that are not a manifest's
   */
  static async open(path: string, onEntry: (file: string, end?: number) => void = () => {}): Promise<Manifest> {
    const keys = new KeySet();
    if (existsSync(path)) {
      await cutIncompleteLine(path);
      for await (const { number, text } of readLines(createReadStream(path))) {
        const entry = known.safeParse(parsed(text));
        if (!entry.success)
          throw new UnclipError('IO_FAILED', `${path}: line ${number} is no line of a manifest; move the file away`);
        keys.add(entry.data.key);
        onEntry(entry.data.file, entry.data.end);
      }
    }
    return new Manifest(path, keys, await open(path, 'a'));
  }

  /** Pictures in it. */
  get size(): number {
    return this.#keys.size;
  }

  has(key: string): boolean {
    return this.#keys.has(key);
  }

  /** Adds a picture, on the disk when this resolves. @throws UnclipError IO_NO_SPACE, IO_FAILED */
  async append(entry: ManifestEntry): Promise<void> {
    try {
      await this.#file.appendFile(`${JSON.stringify(entry)}\n`);
      await this.#file.datasync();
    } catch (cause) {
      const full = (cause as NodeJS.ErrnoException).code === 'ENOSPC';
      throw new UnclipError(full ? 'IO_NO_SPACE' : 'IO_FAILED', `cannot write ${this.#path}`, { cause });
    }
    this.#keys.add(entry.key);
  }

  close(): Promise<void> {
    return this.#file.close();
  }
}

function parsed(text: string | undefined): unknown {
  try {
    return JSON.parse(text ?? '');
  } catch {
    return undefined;
  }
}

/** Cuts off what follows the last newline. */
async function cutIncompleteLine(path: string): Promise<void> {
  const file = await open(path, 'r');
  let end = 0;
  try {
    const { size } = await file.stat();
    const buffer = Buffer.alloc(64 * 2 ** 10);
    let at = size;
    while (at > 0 && end === 0) {
      const from = Math.max(0, at - buffer.length);
      const { bytesRead } = await file.read(buffer, 0, at - from, from);
      const newline = buffer.subarray(0, bytesRead).lastIndexOf('\n');
      if (newline >= 0) end = from + newline + 1;
      at = from;
    }
    if (end === size) return;
  } finally {
    await file.close();
  }
  await truncate(path, end);
}

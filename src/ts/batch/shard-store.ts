import { type FileHandle, mkdir, open } from 'node:fs/promises';
import { join } from 'node:path';
import { UnclipError } from '../util/errors.js';
import type { FinishedPicture, PictureStore, StoredPicture } from './picture-store.js';
import { TAR_END, tarMember } from './tar.js';

/** Digits of a key in a member's name. */
const NAME_DIGITS = 32;

const shardName = (number: number): string => `shard-${String(number).padStart(6, '0')}.tar`;

/**
 * Tar shards as WebDataset reads them: a picture is three members, `KEY.png`, `KEY.txt` (the prompt) and `KEY.json`. What a shard
 * holds beyond the manifest's last record of it is what a process left that was killed meanwhile: it is cut off at opening.
 */
export class ShardStore implements PictureStore {
  readonly #root: string;
  readonly #ending: string;
  readonly #perShard: number;
  #number: number;
  #pictures: number;
  #end: number;
  #file: FileHandle | undefined;
  /** Records are appended one after the other. */
  #last: Promise<unknown> = Promise.resolve();

  /**
   * @param ending of the pictures, such as `.png`
   * @param perShard pictures in a shard
   * @param recorded pictures in each shard that the manifest knows, and the end of its last record
   */
  constructor(
    root: string,
    ending: string,
    perShard: number,
    recorded: ReadonlyMap<string, { readonly pictures: number; readonly end: number }>,
  ) {
    this.#root = root;
    this.#ending = ending;
    this.#perShard = perShard;
    this.#number = Math.max(0, recorded.size - 1);
    const current = recorded.get(shardName(this.#number));
    this.#pictures = current?.pictures ?? 0;
    this.#end = current?.end ?? 0;
  }

  put(picture: FinishedPicture): Promise<StoredPicture> {
    const turn = this.#last.then(() => this.#append(picture));
    this.#last = turn.catch(() => undefined);
    return turn;
  }

  async orphan(): Promise<undefined> {
    return undefined;
  }

  async has(): Promise<boolean> {
    return true;
  }

  async close(): Promise<void> {
    await this.#last;
    await this.#finish();
  }

  async #append({ key, bytes, prompt, about }: FinishedPicture): Promise<StoredPicture> {
    if (this.#pictures >= this.#perShard) {
      await this.#finish();
      this.#number++;
      this.#pictures = 0;
      this.#end = 0;
    }
    const name = key.slice(0, NAME_DIGITS);
    const record = Buffer.concat([
      tarMember(`${name}${this.#ending}`, bytes),
      tarMember(`${name}.txt`, Buffer.from(prompt)),
      tarMember(`${name}.json`, Buffer.from(JSON.stringify(about))),
    ]);
    const file = shardName(this.#number);
    try {
      this.#file ??= await this.#open(join(this.#root, file));
      await this.#file.write(record, 0, record.length, this.#end);
      await this.#file.datasync();
    } catch (cause) {
      const full = (cause as NodeJS.ErrnoException).code === 'ENOSPC';
      throw new UnclipError(full ? 'IO_NO_SPACE' : 'IO_FAILED', `cannot write ${file} in ${this.#root}`, { cause });
    }
    const offset = this.#end;
    this.#end += record.length;
    this.#pictures++;
    return { file, offset, end: this.#end };
  }

  async #open(path: string): Promise<FileHandle> {
    await mkdir(this.#root, { recursive: true });
    const file = await open(path, this.#end === 0 ? 'w' : 'r+');
    await file.truncate(this.#end);
    return file;
  }

  async #finish(): Promise<void> {
    await this.#file?.write(TAR_END, 0, TAR_END.length, this.#end);
    await this.#file?.datasync();
    await this.#file?.close();
    this.#file = undefined;
  }
}

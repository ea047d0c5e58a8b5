import { access, mkdir, readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { writeFileAtomic } from '../util/write-file.js';
import type { FinishedPicture, PictureStore, StoredPicture } from './picture-store.js';

/** Digits of a key in a file's name: enough that no two pictures share one. */
const NAME_DIGITS = 32;

/** One file a picture, named by its content key, in 256 folders by the key's first two digits. */
export class FolderStore implements PictureStore {
  readonly #root: string;
  readonly #temporary: string;
  readonly #ending: string;
  readonly #made = new Set<string>();

  /**
   * @param root output folder
   * @param temporary folder on the same file system in which files are written before they get their name
   * @param ending of the files, such as `.png`
   */
  constructor(root: string, temporary: string, ending: string) {
    this.#root = root;
    this.#temporary = temporary;
    this.#ending = ending;
  }

  async put({ key, bytes }: FinishedPicture): Promise<StoredPicture> {
    const file = this.#file(key);
    const folder = key.slice(0, 2);
    if (!this.#made.has(folder)) await mkdir(join(this.#root, folder), { recursive: true });
    this.#made.add(folder);
    await writeFileAtomic(join(this.#root, file), bytes, this.#temporary);
    return { file };
  }

  async orphan(key: string): Promise<{ readonly bytes: Uint8Array; readonly stored: StoredPicture } | undefined> {
    const file = this.#file(key);
    const bytes = await readFile(join(this.#root, file)).catch(() => undefined);
    return bytes === undefined ? undefined : { bytes, stored: { file } };
  }

  has(key: string): Promise<boolean> {
    return access(join(this.#root, this.#file(key))).then(
      () => true,
      () => false,
    );
  }

  async close(): Promise<void> {}

  #file(key: string): string {
    return `${key.slice(0, 2)}/${key.slice(0, NAME_DIGITS)}${this.#ending}`;
  }
}

import { access, mkdir, readFile, rm, rmdir } from 'node:fs/promises';
import { hostname } from 'node:os';
import { join } from 'node:path';
import { writeFileAtomic } from '../util/write-file.js';
import type { FinishedPicture, PictureStore, StoredPicture } from './picture-store.js';

/** Digits of a key in a file's name: enough that no two pictures share one. */
const NAME_DIGITS = 32;

const TEMPORARY = '.unclip-tmp';

/** One file a picture, named by its content key, in 256 folders by the key's first two digits. */
export class FolderStore implements PictureStore {
  readonly #root: string;
  readonly #temporary: string;
  readonly #ending: string;
  readonly #made = new Set<string>();

  private constructor(root: string, temporary: string, ending: string) {
    this.#root = root;
    this.#temporary = temporary;
    this.#ending = ending;
  }

  /**
   * @param root output folder; several processes may share it
   * @param ending of the files, such as `.png`
   * @param options.alone whether no other process writes here: then what killed ones left half-written is removed
   */
  static async open(root: string, ending: string, options: { readonly alone?: boolean } = {}): Promise<FolderStore> {
    if (options.alone) await rm(join(root, TEMPORARY), { recursive: true, force: true });
    // Files are written here before they get their name, on the same file system.
    const temporary = join(root, TEMPORARY, `${hostname()}-${process.pid}`);
    await mkdir(temporary, { recursive: true });
    return new FolderStore(root, temporary, ending);
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

  async close(): Promise<void> {
    await rm(this.#temporary, { recursive: true, force: true });
    // Others may be writing still.
    await rmdir(join(this.#root, TEMPORARY)).catch(() => undefined);
  }

  #file(key: string): string {
    return `${key.slice(0, 2)}/${key.slice(0, NAME_DIGITS)}${this.#ending}`;
  }
}

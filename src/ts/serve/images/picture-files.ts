import { randomBytes } from 'node:crypto';
import { mkdir, mkdtemp, readdir, readFile, rm, stat } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import type { PictureFormat } from '../../image/encode.js';
import { writeFileAtomic } from '../../util/write-file.js';

/** A kept picture's name: 128 random bits, which nobody guesses. */
const NAME = /^[0-9a-f]{32}\.(png|jpeg|webp)$/;

/** Most that a picture outlives its time. */
const SWEEP_MS = 60_000;

/** Pictures that are answered as addresses: files in a folder, each for a limited time. */
export class PictureFiles {
  readonly #folder: string;
  readonly #ttlMs: number;
  readonly #temporary: boolean;
  readonly #timer: NodeJS.Timeout;

  private constructor(folder: string, ttlMs: number, temporary: boolean) {
    this.#folder = folder;
    this.#ttlMs = ttlMs;
    this.#temporary = temporary;
    this.#timer = setInterval(() => void this.#sweep().catch(() => {}), Math.min(SWEEP_MS, ttlMs));
    this.#timer.unref();
  }

  /**
   * @param folder undefined: a temporary one, removed by {@link close}
   * @param ttlMs how long a picture is kept
   */
  static async open(folder: string | undefined, ttlMs: number): Promise<PictureFiles> {
    if (folder !== undefined) await mkdir(folder, { recursive: true });
    const files = new PictureFiles(
      folder ?? (await mkdtemp(join(tmpdir(), 'unclip-pictures-'))),
      ttlMs,
      folder === undefined,
    );
    // What an earlier process has left.
    await files.#sweep();
    return files;
  }

  /** @returns the name under which {@link read} finds it. @throws UnclipError IO_NO_SPACE, IO_FAILED */
  async keep(bytes: Uint8Array, format: PictureFormat): Promise<string> {
    const name = `${randomBytes(16).toString('hex')}.${format}`;
    await writeFileAtomic(join(this.#folder, name), bytes);
    return name;
  }

  /** A picture that is still kept. */
  async read(name: string): Promise<{ readonly bytes: Buffer; readonly mime: string } | undefined> {
    const [, format] = NAME.exec(name) ?? [];
    if (format === undefined || (await this.#expired(name))) return undefined;
    const bytes = await readFile(join(this.#folder, name)).catch(() => undefined);
    return bytes && { bytes, mime: `image/${format}` };
  }

  async close(): Promise<void> {
    clearInterval(this.#timer);
    if (this.#temporary) await rm(this.#folder, { recursive: true, force: true });
  }

  /** True for what is not there, too. */
  async #expired(name: string): Promise<boolean> {
    const made = await stat(join(this.#folder, name)).catch(() => undefined);
    return made === undefined || made.mtimeMs + this.#ttlMs < Date.now();
  }

  async #sweep(): Promise<void> {
    for (const name of await readdir(this.#folder))
      if (NAME.test(name) && (await this.#expired(name))) await rm(join(this.#folder, name), { force: true });
  }
}

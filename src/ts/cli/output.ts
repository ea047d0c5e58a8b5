import { accessSync, constants, existsSync, mkdirSync, statSync } from 'node:fs';
import { basename, dirname, extname, join, resolve } from 'node:path';
import { formatOfPath, PICTURE_FORMATS, type PictureFormat } from '../image/encode.js';
import { UnclipError } from '../util/errors.js';
import { UsageError } from './failure.js';

/** Ending of the files of each format. */
export const ENDINGS: Readonly<Record<PictureFormat, string>> = { png: '.png', jpeg: '.jpg', webp: '.webp' };

/** Longest part of a prompt in a file name, characters. */
const MAX_SLUG = 60;

/** A prompt as part of a file name: its letters and digits, lower case, with hyphens between the words. */
export function slug(prompt: string): string {
  const words =
    prompt
      .slice(0, 10 * MAX_SLUG)
      .toLowerCase()
      .match(/[\p{L}\p{N}]+/gu) ?? [];
  // A cut may leave a hyphen, or half of a character beyond U+FFFF.
  const text = words
    .join('-')
    .slice(0, MAX_SLUG)
    .replace(/[-\ud800-\udbff]$/, '');
  return text || 'picture';
}

/** Where the pictures of a run go. Nothing is made or written before the first picture is done. */
export class Output {
  readonly format: PictureFormat;
  readonly #folder: string;
  /** The file name that was asked for, without its ending. */
  readonly #stem: string | undefined;
  readonly #ending: string;
  readonly #many: boolean;
  readonly #taken = new Set<string>();

  /**
   * @param out a folder (one that is there, or a name without a picture's ending) or a file; undefined: the current folder
   * @param many whether more than one picture will be drawn: then a file's name gets a number each
   * @throws UnclipError INPUT_INVALID for a format that nobody knows, IO_FAILED for a place that cannot be written
   */
  constructor(out: string | undefined, format: PictureFormat | undefined, many: boolean) {
    const path = out ?? '.';
    const ending = extname(path);
    const isFolder = /[\\/]$/.test(path) || ending === '' || (existsSync(path) && statSync(path).isDirectory());
    const named = isFolder ? undefined : formatOfPath(path);
    if (!isFolder && named === undefined)
      throw new UsageError(
        `--out '${path}' ends in none of ${PICTURE_FORMATS.join(', ')}; a folder's name may end in a slash`,
      );
    if (named !== undefined && format !== undefined && named !== format)
      throw new UsageError(`--out '${path}' is a ${named} file, --format says ${format}; leave one of them out`);
    this.format = named ?? format ?? 'png';
    this.#folder = isFolder ? path : dirname(path);
    this.#stem = isFolder ? undefined : basename(path, ending);
    this.#ending = isFolder ? ENDINGS[this.format] : ending;
    this.#many = many;
    checkWritable(this.#folder);
  }

  /**
   * The path of the next picture. One that another picture has is not given out, unless the file was asked for by name.
   * @param number of the picture in the run, from 1
   */
  path(prompt: string, seed: number, number: number): string {
    return this.named(`${slug(prompt)}-${seed}`, number);
  }

  /** As {@link path}, of a picture that is called `name` in a folder. */
  named(name: string, number: number): string {
    if (this.#stem !== undefined && !this.#many) return join(this.#folder, `${this.#stem}${this.#ending}`);
    const stem = this.#stem === undefined ? name : `${this.#stem}-${number}`;
    for (let k = 1; ; k++) {
      const path = join(this.#folder, `${stem}${k === 1 ? '' : `-${k}`}${this.#ending}`);
      if (this.#taken.has(path) || existsSync(path)) continue;
      this.#taken.add(path);
      return path;
    }
  }

  /**
   * Paths of files that belong together: one stem, of which none is there yet, and an ending each.
   * @param endings such as `-sheet.png`; one without a format's ending, such as `-01`, gets that of the pictures
   */
  set(prompt: string, seed: number, endings: readonly string[]): string[] {
    const stem = this.#stem ?? `${slug(prompt)}-${seed}`;
    for (let k = 1; ; k++) {
      const paths = endings.map((ending) =>
        join(this.#folder, `${stem}${k === 1 ? '' : `-${k}`}${ending}${extname(ending) === '' ? this.#ending : ''}`),
      );
      if (paths.some((path) => this.#taken.has(path) || existsSync(path))) continue;
      for (const path of paths) this.#taken.add(path);
      return paths;
    }
  }
}

/** The folder beside a picture for what led to it. */
export const stepsFolder = (picture: string): string => `${picture.slice(0, -extname(picture).length)}-steps`;

/**
 * Makes a folder, with those above it, where it is missing.
 * @throws UnclipError IO_FAILED
 */
export function makeFolder(folder: string): void {
  try {
    mkdirSync(folder, { recursive: true });
  } catch (cause) {
    throw new UnclipError('IO_FAILED', `cannot make the folder ${folder} (${(cause as Error).message})`, { cause });
  }
}

/** Checks, without touching anything, that files can be made in a folder, or the folder itself. */
function checkWritable(folder: string): void {
  let existing = resolve(folder);
  while (!existsSync(existing)) existing = dirname(existing);
  if (!statSync(existing).isDirectory())
    throw new UnclipError(
      'IO_FAILED',
      `cannot write into ${folder} (${existing} is not a folder); choose another --out`,
    );
  try {
    accessSync(existing, constants.W_OK | constants.X_OK);
  } catch (cause) {
    const readOnly = (cause as NodeJS.ErrnoException).code === 'EROFS';
    const reason = readOnly ? 'read-only file system' : 'no permission';
    throw new UnclipError('IO_FAILED', `cannot write into ${folder} (${reason}); choose another --out`, { cause });
  }
}

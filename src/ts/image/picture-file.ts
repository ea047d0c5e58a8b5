import { open } from 'node:fs/promises';
import { UnclipError } from '../util/errors.js';

/** Largest file that is read, bytes. */
const MAX_FILE_BYTES = 256 * 2 ** 20;

/** What the decoded formats have at an offset in their head. Anything else (SVG, PDF, ...) never reaches the decoder. */
const SIGNATURES: readonly (readonly [offset: number, bytes: string])[] = [
  [0, '\x89PNG\r\n\x1a\n'],
  [0, '\xff\xd8\xff'],
  [8, 'WEBP'],
  [0, 'GIF8'],
  [0, 'II*\0'],
  [0, 'MM\0*'],
  [4, 'ftypavif'],
  [4, 'ftypmif1'],
];

/** The contents of a picture file, and how messages name it. */
export interface PictureFile {
  bytes: Uint8Array;
  name: string;
}

/** An error about a picture that a user gave. */
export const pictureError = (message: string, cause?: unknown): UnclipError =>
  new UnclipError('INPUT_PICTURE_INVALID', message, { cause });

/** The first line of an error's message, at most 120 characters. */
export function oneLine(error: unknown): string {
  const message = error instanceof Error ? error.message : String(error);
  return message.split('\n')[0]!.slice(0, 120);
}

/**
 * Reads a picture file (or takes its contents), bounded in size, and checks by its first bytes that it is a PNG, JPEG,
 * WebP, GIF, TIFF or AVIF.
 * @throws UnclipError INPUT_PICTURE_INVALID
 */
export async function readPictureFile(input: string | Uint8Array): Promise<PictureFile> {
  const name = typeof input === 'string' ? `picture ${input}` : 'picture';
  const bytes = typeof input === 'string' ? await readBounded(input, name) : input;
  if (bytes.length > MAX_FILE_BYTES) throw tooLarge(name);
  const head = Buffer.from(bytes.buffer, bytes.byteOffset, Math.min(bytes.length, 32)).toString('latin1');
  if (!SIGNATURES.some(([offset, signature]) => head.startsWith(signature, offset))) {
    throw pictureError(`${name} is none that can be read; give a PNG, JPEG, WebP, GIF, TIFF or AVIF file`);
  }
  return { bytes, name };
}

const tooLarge = (name: string) => pictureError(`${name} is a file over 256 MiB; give a smaller one`);

/** Reads a regular file, having looked at its size first. */
async function readBounded(path: string, name: string): Promise<Uint8Array> {
  try {
    const file = await open(path, 'r');
    try {
      const stat = await file.stat();
      if (!stat.isFile()) throw pictureError(`${name} is not a file`);
      if (stat.size > MAX_FILE_BYTES) throw tooLarge(name);
      return await file.readFile();
    } finally {
      await file.close();
    }
  } catch (error) {
    if (error instanceof UnclipError) throw error;
    const missing = (error as NodeJS.ErrnoException).code === 'ENOENT';
    throw pictureError(missing ? `${name} does not exist` : `${name} cannot be read (${oneLine(error)})`, error);
  }
}

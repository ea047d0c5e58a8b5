import { constants, type FileHandle, open } from 'node:fs/promises';
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
  if (bytes.length === 0) throw pictureError(`${name} is empty (0 bytes); is the file complete?`);
  const head = Buffer.from(bytes.buffer, bytes.byteOffset, Math.min(bytes.length, 32)).toString('latin1');
  if (!SIGNATURES.some(([offset, signature]) => head.startsWith(signature, offset))) {
    throw pictureError(`${name} is none that can be read; give a PNG, JPEG, WebP, GIF, TIFF or AVIF file`);
  }
  return { bytes, name };
}

const tooLarge = (name: string) => pictureError(`${name} is a file over 256 MiB; give a smaller one`);

/** A named pipe would make a plain opening wait for a writer that may never come. */
const READ_NOW = constants.O_RDONLY | (constants.O_NONBLOCK ?? 0);

/** Reads a regular file, having looked at its size first: no device, no pipe, and no more bytes than that. */
async function readBounded(path: string, name: string): Promise<Uint8Array> {
  try {
    const file = await open(path, READ_NOW);
    try {
      const stat = await file.stat();
      if (!stat.isFile()) throw pictureError(`${name} is ${stat.isDirectory() ? 'a folder' : 'not a file'}`);
      if (stat.size > MAX_FILE_BYTES) throw tooLarge(name);
      return await readUpTo(file, stat.size);
    } finally {
      await file.close();
    }
  } catch (error) {
    if (error instanceof UnclipError) throw error;
    const missing = (error as NodeJS.ErrnoException).code === 'ENOENT';
    throw pictureError(missing ? `${name} does not exist` : `${name} cannot be read (${oneLine(error)})`, error);
  }
}

async function readUpTo(file: FileHandle, size: number): Promise<Uint8Array> {
  const bytes = new Uint8Array(size);
  let length = 0;
  while (length < size) {
    const { bytesRead } = await file.read(bytes, length, size - length, length);
    if (bytesRead === 0) break;
    length += bytesRead;
  }
  return bytes.subarray(0, length);
}

import { createHash } from 'node:crypto';
import { resolve } from 'node:path';
import { readPictureHeader } from '../image/decode.js';
import { readPictureFile } from '../image/picture-file.js';
import { UnclipError } from '../util/errors.js';

/** A picture file that a line brings, and what is in it: the file may be another one by the time the line is drawn. */
export interface BroughtPicture {
  /** Absolute. */
  readonly path: string;
  /** Of the file's contents. */
  readonly sha256: string;
}

/** What a line draws from, beside its words. */
export interface Brought {
  /** `vary`: pictures with the meaning of `image`. `edit`: `image`, with what is transparent in `mask` (or in itself) drawn anew. */
  readonly operation: 'vary' | 'edit';
  readonly image: BroughtPicture;
  readonly mask?: BroughtPicture;
}

/** Files as a line names them; a line of a manifest also says what was in them. */
export interface NamedPictures {
  readonly operation: Brought['operation'];
  readonly image: string | BroughtPicture;
  readonly mask?: string | BroughtPicture;
}

/**
 * Finds the pictures of a line and looks at their headers.
 * @param folder what relative paths begin at
 * @throws UnclipError INPUT_PICTURE_INVALID: no such file, not a picture, too large, or another one than the line tells of
 */
export async function findPictures(folder: string, { operation, image, mask }: NamedPictures): Promise<Brought> {
  return {
    operation,
    image: await find(folder, image),
    ...(mask === undefined ? {} : { mask: await find(folder, mask) }),
  };
}

async function find(folder: string, named: string | BroughtPicture): Promise<BroughtPicture> {
  const path = resolve(folder, typeof named === 'string' ? named : named.path);
  const { bytes } = await readPictureFile(path);
  await readPictureHeader(bytes);
  const sha256 = hashOf(bytes);
  if (typeof named !== 'string') refuseOther(named, sha256);
  return { path, sha256 };
}

/** The file's contents. @throws UnclipError INPUT_PICTURE_INVALID when they are not what they were */
export async function readBrought(picture: BroughtPicture): Promise<Uint8Array> {
  const { bytes } = await readPictureFile(picture.path);
  refuseOther(picture, hashOf(bytes));
  return bytes;
}

function refuseOther({ path, sha256 }: BroughtPicture, found: string): void {
  if (found !== sha256)
    throw new UnclipError(
      'INPUT_PICTURE_INVALID',
      `${path} is not the picture that was meant: its SHA-256 is ${found}`,
    );
}

const hashOf = (bytes: Uint8Array): string => createHash('sha256').update(bytes).digest('hex');

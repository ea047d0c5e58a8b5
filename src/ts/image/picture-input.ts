import { type DecodeOptions, decodePicture } from './decode.js';
import { checkPicture, type Picture } from './picture.js';

/** A picture as callers have it: a file's path, a file's contents, or pixels. */
export type PictureInput = string | Uint8Array | Picture;

/**
 * The pixels of a picture, see {@link decodePicture}.
 * @throws UnclipError INPUT_PICTURE_INVALID
 */
export async function readPicture(input: PictureInput, options: DecodeOptions = {}): Promise<Picture> {
  if (typeof input === 'string' || input instanceof Uint8Array) return decodePicture(input, options);
  checkPicture(input);
  return input;
}

import type { Sliced } from '../util/sliced.js';
import { checkPicture, type Picture } from './picture.js';
import { resizeBicubic } from './resample.js';

/**
 * The middle square of a picture, resized as Pillow does (bicubic, antialiased): the part that CLIP's preprocessing sees.
 * @param side of the result, pixels
 * @returns RGB; alpha is dropped
 * @throws UnclipError INPUT_PICTURE_INVALID when the data does not fit the sides
 */
export function* middleSquare(picture: Picture, side: number): Sliced<Picture> {
  checkPicture(picture);
  const { width, height, channels } = picture;
  const short = Math.min(width, height);
  const [left, top] = [Math.floor((width - short) / 2), Math.floor((height - short) / 2)];
  const data = new Uint8Array(short * short * 3);
  for (let y = 0; y < short; y++) {
    for (let x = 0; x < short; x++)
      for (let c = 0; c < 3; c++)
        data[(y * short + x) * 3 + c] = picture.data[((top + y) * width + left + x) * channels + c]!;
    yield;
  }
  return yield* resizeBicubic({ width: short, height: short, channels: 3, data }, side, side);
}

/** A picture as samplers have it: f32 [height, width, channels], 0 … 255 become −1 … 1. */
export const asSample = ({ data }: Picture): Float32Array => Float32Array.from(data, (v) => v / 127.5 - 1);

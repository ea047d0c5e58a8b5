import { UnclipError } from '../util/errors.js';
import type { Sliced } from '../util/sliced.js';
import { cropOffset } from './clip-preprocess.js';
import { checkPicture, type Picture } from './picture.js';
import { resizeLanczos } from './resample.js';

/** `square`: the middle of the picture. `whole`: all of it, but for what a side has beyond a multiple of the unit. */
export type Fit = 'square' | 'whole';
export const FITS: readonly Fit[] = ['square', 'whole'];

/** Longest side of a picture that was fitted whole, in units of the short one; and the most pixels that resizing may make. */
const MAX_ASPECT = 8;

/**
 * Resizes a picture until its short side is `size` (Lanczos, as torchvision does with a PIL picture: sides are rounded, halves
 * to even), then cuts out the centre: a square of `size`, or the largest part whose sides `unit` divides. OpenAI's notebook of
 * dall_e does the former with size 256; a smaller picture, which it refuses, is enlarged here.
 * @param size a multiple of `unit`, pixels
 * @throws UnclipError INPUT_PICTURE_INVALID (also for a picture more than 8 times as long as it is wide)
 */
export function* fitPicture(picture: Picture, size: number, fit: Fit, unit: number): Sliced<Picture> {
  checkPicture(picture);
  const short = Math.min(picture.width, picture.height);
  const long = Math.max(picture.width, picture.height);
  if (long > MAX_ASPECT * short)
    throw new UnclipError(
      'INPUT_PICTURE_INVALID',
      `picture of ${picture.width}x${picture.height} is more than ${MAX_ASPECT} times as long as it is wide; crop it first`,
    );
  const resized = (length: number): number => roundToEven((size / short) * length);
  const whole = yield* resizeLanczos(picture, resized(picture.width), resized(picture.height));
  const kept = (length: number): number => (fit === 'square' ? size : length - (length % unit));
  return centre(whole, kept(whole.width), kept(whole.height));
}

/** Python's round(): halves to even. */
function roundToEven(value: number): number {
  const floor = Math.floor(value);
  return value - floor === 0.5 ? floor + (floor % 2) : Math.round(value);
}

/** torchvision's center_crop. */
function centre({ width, height, channels, data }: Picture, keptWidth: number, keptHeight: number): Picture {
  const left = cropOffset(width - keptWidth, 'even');
  const top = cropOffset(height - keptHeight, 'even');
  const kept = new Uint8Array(keptWidth * keptHeight * channels);
  for (let y = 0; y < keptHeight; y++) {
    const from = ((top + y) * width + left) * channels;
    kept.set(data.subarray(from, from + keptWidth * channels), y * keptWidth * channels);
  }
  return { width: keptWidth, height: keptHeight, channels, data: kept };
}

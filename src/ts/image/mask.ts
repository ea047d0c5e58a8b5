import type { Sliced } from '../util/sliced.js';
import type { Picture } from './picture.js';

/** Which pixels of a picture are drawn anew. */
export interface Mask {
  readonly width: number;
  readonly height: number;
  /** [height, width]: 1 is drawn anew, 0 kept. */
  readonly data: Uint8Array;
}

/** Part of a picture in pixels: left ≤ x < right, top ≤ y < bottom. */
export interface Box {
  readonly left: number;
  readonly top: number;
  readonly right: number;
  readonly bottom: number;
}

/** Luminance from which a mask without alpha counts as white. */
const WHITE = 128;

/**
 * A mask picture by the convention of OpenAI's image edits: where its alpha is 0, the picture is drawn anew. Where nothing of it is
 * transparent, black (luminance below 128) is.
 * @param invert swaps what is drawn and what is kept
 */
export function* maskOfPicture(picture: Picture, invert = false): Sliced<Mask> {
  const transparent = yield* maskOfAlpha(picture);
  const mask = transparent.data.includes(1) ? transparent : yield* maskOfLuminance(picture);
  if (invert) yield* eachPixel(mask, (i) => (mask.data[i] = 1 - mask.data[i]!));
  return mask;
}

/** The transparent region of a picture: alpha 0. What is half transparent is kept. */
export function* maskOfAlpha({ width, height, channels, data }: Picture): Sliced<Mask> {
  const mask: Mask = { width, height, data: new Uint8Array(width * height) };
  if (channels === 4) yield* eachPixel(mask, (i) => (mask.data[i] = data[4 * i + 3] === 0 ? 1 : 0));
  return mask;
}

/** Rec. 601 luminance, in thousandths. */
function* maskOfLuminance({ width, height, channels, data }: Picture): Sliced<Mask> {
  const mask: Mask = { width, height, data: new Uint8Array(width * height) };
  yield* eachPixel(mask, (i) => {
    const at = i * channels;
    mask.data[i] = 299 * data[at]! + 587 * data[at + 1]! + 114 * data[at + 2]! < 1000 * WHITE ? 1 : 0;
  });
  return mask;
}

/** Goes through all pixels, and may be stopped after each row. */
function* eachPixel({ width, height }: Mask, visit: (i: number, x: number, y: number) => void): Sliced<void> {
  for (let y = 0, i = 0; y < height; y++) {
    for (let x = 0; x < width; x++, i++) visit(i, x, y);
    yield;
  }
}

/** The smallest box that holds all that is drawn anew; undefined where nothing is. */
export function* maskBox(mask: Mask): Sliced<Box | undefined> {
  let [left, top, right, bottom] = [mask.width, mask.height, 0, 0];
  yield* eachPixel(mask, (i, x, y) => {
    if (mask.data[i] === 0) return;
    left = Math.min(left, x);
    right = Math.max(right, x + 1);
    top = Math.min(top, y);
    bottom = y + 1;
  });
  return right === 0 ? undefined : { left, top, right, bottom };
}

/** Pixels that are drawn anew. */
export function* maskArea(mask: Mask): Sliced<number> {
  let area = 0;
  yield* eachPixel(mask, (i) => (area += mask.data[i]!));
  return area;
}

import { UnclipError } from '../util/errors.js';
import { atOnce } from '../util/sliced.js';
import { checkPicture, type Picture } from './picture.js';
import { resizeBicubic } from './resample.js';

export interface SheetOptions {
  /** Pictures a row. Default: rows as even as they get, of at most 8. */
  readonly columns?: number;
  /** White between and around the pictures, pixels. Default 4. */
  readonly gap?: number;
}

const MOST_COLUMNS = 8;

/** Longest side of a sheet, pixels: WebP ends at 16383. Pictures are made smaller where there would be more. */
const MAX_SIDE = 8192;

/**
 * Pictures of one size on a white sheet, row by row, the first at the top left. Alpha is dropped.
 * @throws UnclipError INPUT_INVALID for no pictures, for pictures of several sizes, for more than fit at a pixel each
 */
export function contactSheet(pictures: readonly Picture[], options: SheetOptions = {}): Picture {
  const { gap = 4 } = options;
  const [first] = pictures;
  if (first === undefined) throw new UnclipError('INPUT_INVALID', 'a sheet needs at least one picture');
  for (const picture of pictures) {
    checkPicture(picture);
    if (picture.width !== first.width || picture.height !== first.height)
      throw new UnclipError('INPUT_INVALID', 'pictures of a sheet must have one size');
  }
  const rows = Math.ceil(pictures.length / (options.columns ?? MOST_COLUMNS));
  const columns = options.columns ?? Math.ceil(pictures.length / rows);
  const room = (count: number): number => Math.floor((MAX_SIDE - gap) / count) - gap;
  const scale = Math.min(1, room(columns) / first.width, room(rows) / first.height);
  const [width, height] = [Math.floor(scale * first.width), Math.floor(scale * first.height)];
  if (width < 1 || height < 1)
    throw new UnclipError('INPUT_INVALID', `${pictures.length} pictures are too many for a sheet; make several`);
  const sheetWidth = gap + columns * (width + gap);
  const sheetHeight = gap + rows * (height + gap);
  const data = new Uint8Array(sheetWidth * sheetHeight * 3).fill(255);
  for (const [k, picture] of pictures.entries()) {
    const left = gap + (k % columns) * (width + gap);
    const top = gap + Math.floor(k / columns) * (height + gap);
    const tile = atOnce(resizeBicubic(picture, width, height));
    for (let y = 0; y < height; y++)
      for (let x = 0; x < width; x++)
        for (let c = 0; c < 3; c++)
          data[((top + y) * sheetWidth + left + x) * 3 + c] = tile.data[(y * width + x) * tile.channels + c]!;
  }
  return { width: sheetWidth, height: sheetHeight, channels: 3, data };
}

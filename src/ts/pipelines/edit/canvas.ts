import type { Mask } from '../../image/mask.js';
import { MAX_PIXELS, type Picture } from '../../image/picture.js';
import { UnclipError } from '../../util/errors.js';
import type { Sliced } from '../../util/sliced.js';

/** Pixels by which a picture is grown at each side. */
export interface Margins {
  readonly left: number;
  readonly right: number;
  readonly top: number;
  readonly bottom: number;
}

export const SIDES = ['left', 'right', 'top', 'bottom'] as const;

/**
 * Fills in margins that are not given with 0.
 * @throws UnclipError INPUT_INVALID for anything but whole numbers from 0 on
 */
export function checkMargins(margins: Partial<Margins> = {}): Margins {
  const checked = { left: 0, right: 0, top: 0, bottom: 0, ...margins };
  for (const [side, value] of Object.entries(checked)) {
    if (!SIDES.some((known) => known === side))
      throw new UnclipError('INPUT_INVALID', `outpaint has no side '${side}': give ${SIDES.join(', ')}`);
    if (!Number.isInteger(value) || value < 0)
      throw new UnclipError('INPUT_INVALID', `outpaint ${side} is ${value}: give a whole number of pixels`);
  }
  return checked;
}

/** A picture as RGBA with margins of transparent black, in memory of its own. @throws UnclipError INPUT_TOO_LARGE over 64 Mpx */
export function* growPicture(picture: Picture, { left, right, top, bottom }: Margins): Sliced<Picture> {
  const [width, height] = [picture.width + left + right, picture.height + top + bottom];
  if (width * height > MAX_PIXELS)
    throw new UnclipError(
      'INPUT_TOO_LARGE',
      `outpainted to ${width}x${height} the picture has over 64 Mpx; grow it by less`,
    );
  const data = new Uint8Array(width * height * 4);
  for (let y = 0; y < picture.height; y++) {
    for (let x = 0; x < picture.width; x++) {
      const from = (y * picture.width + x) * picture.channels;
      const to = ((y + top) * width + x + left) * 4;
      for (let c = 0; c < 3; c++) data[to + c] = picture.data[from + c]!;
      data[to + 3] = picture.channels === 4 ? picture.data[from + 3]! : 255;
    }
    yield;
  }
  return { width, height, channels: 4, data };
}

/** The mask of a grown picture: the margins are drawn, the rest as `mask` says, or kept. */
export function growMask(picture: Picture, mask: Mask | undefined, { left, right, top, bottom }: Margins): Mask {
  const [width, height] = [picture.width + left + right, picture.height + top + bottom];
  const data = new Uint8Array(width * height).fill(1);
  for (let y = 0; y < picture.height; y++) {
    const at = (y + top) * width + left;
    if (mask === undefined) data.fill(0, at, at + picture.width);
    else data.set(mask.data.subarray(y * mask.width, (y + 1) * mask.width), at);
  }
  return { width, height, data };
}

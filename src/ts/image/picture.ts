import { UnclipError } from '../util/errors.js';

/** 8-bit pixels, rows from the top, channels interleaved: data is [height, width, channels], sRGB. */
export interface Picture {
  width: number;
  height: number;
  /** 3 = RGB, 4 = RGBA with straight alpha. */
  channels: 3 | 4;
  data: Uint8Array;
}

/** Largest picture that is decoded, pixels. */
export const MAX_PIXELS = 64 * 2 ** 20;

/**
 * Checks that the data of a picture has the length that its sides and channels say.
 * @throws UnclipError INPUT_PICTURE_INVALID
 */
export function checkPicture({ width, height, channels, data }: Picture): void {
  if (!Number.isInteger(width) || !Number.isInteger(height) || width < 1 || height < 1) {
    throw new UnclipError(
      'INPUT_PICTURE_INVALID',
      `picture is ${width}x${height}; both sides must be whole and at least 1`,
    );
  }
  if (channels !== 3 && channels !== 4) {
    throw new UnclipError('INPUT_PICTURE_INVALID', `picture has ${channels} channels; give RGB or RGBA`);
  }
  if (data.length !== width * height * channels) {
    const expected = width * height * channels;
    throw new UnclipError(
      'INPUT_PICTURE_INVALID',
      `picture of ${width}x${height} has ${data.length} bytes, not ${expected}`,
    );
  }
}

import sharp from 'sharp';
import { z } from 'zod';
import { ApiError } from '../http/api-error.js';

/** A picture file in a form. */
export const pictureField = z
  .custom<Buffer>((value) => Buffer.isBuffer(value), {
    error: ({ input }) => (Array.isArray(input) ? 'this model takes one picture.' : 'expected a file.'),
  })
  .meta({ type: 'string', format: 'binary', description: 'PNG, JPEG, WebP, GIF, TIFF or AVIF.' });

/** Sides of a picture as it is shown, pixels. */
export interface Sides {
  readonly width: number;
  readonly height: number;
}

/**
 * Reads a picture's header, before memory is taken for its pixels.
 * @param param name of the field
 * @throws ApiError 400 for what is no picture, or one that is too large
 */
export async function readSides(bytes: Buffer, param: string, maxPixels: number): Promise<Sides> {
  let sides: Sides;
  try {
    const { autoOrient } = await sharp(bytes, { limitInputPixels: false }).metadata();
    sides = autoOrient;
  } catch (cause) {
    const message = `Invalid image file in '${param}': it cannot be read as a picture.`;
    throw new ApiError(400, message, { param, code: 'invalid_image_file', cause });
  }
  const { width, height } = sides;
  if (width * height > maxPixels)
    throw new ApiError(400, `The picture in '${param}' has ${width}x${height} pixels; at most ${maxPixels} are read.`, {
      param,
      code: 'image_too_large',
    });
  return sides;
}

/** @throws ApiError 400 for a size that an answer cannot have */
export function checkSize(size: string | null | undefined, { width, height }: Sides): void {
  const own = `${width}x${height}`;
  if (size == null || size === 'auto' || size === own) return;
  throw new ApiError(400, `Invalid value: '${size}'. Supported values are: 'auto' and '${own}'.`, {
    param: 'size',
    code: 'invalid_value',
  });
}

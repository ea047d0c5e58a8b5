import sharp, { type Sharp } from 'sharp';
import { MAX_PIXELS, type Picture } from './picture.js';
import { oneLine, type PictureFile, pictureError, readPictureFile } from './picture-file.js';

/** Longest decoding that is waited for, seconds. */
const DECODE_SECONDS = 60;

/** White, for {@link DecodeOptions.background}. */
export const WHITE = { r: 255, g: 255, b: 255 };

export interface DecodeOptions {
  /** What transparent parts are laid on, 0..255 each. Without it alpha is dropped and hidden colours show, as PIL does. */
  background?: { r: number; g: number; b: number };
  /** Keeps the alpha channel of a picture that has one: the result then has 4 channels. */
  alpha?: boolean;
}

/** What a picture's header says. */
export interface PictureHeader {
  /** As stored, before any turn by EXIF. */
  readonly width: number;
  readonly height: number;
  /** `png`, `jpeg`, `webp`, `gif`, `tiff` or `heif` (AVIF). */
  readonly format: string;
}

/**
 * Reads a picture's header and refuses what {@link decodePicture} would refuse by it, before memory is taken for pixels: commands
 * check all their pictures so before they load a model.
 * @param input path of a file, or its contents
 * @throws UnclipError INPUT_PICTURE_INVALID: no such file, not a picture, over 64 Mpx or over 256 MiB
 */
export async function readPictureHeader(input: string | Uint8Array): Promise<PictureHeader> {
  return headerOf(await readPictureFile(input));
}

async function headerOf({ bytes, name }: PictureFile): Promise<PictureHeader> {
  let header: PictureHeader;
  try {
    const { width, height, format } = await sharp(bytes, { limitInputPixels: false }).metadata();
    header = { width, height, format };
  } catch (error) {
    throw undecodable(name, error);
  }
  if (header.width * header.height > MAX_PIXELS) {
    throw pictureError(`${name} has ${header.width}x${header.height} pixels; at most 64 Mpx are read, make it smaller`);
  }
  return header;
}

const undecodable = (name: string, error: unknown) =>
  pictureError(`${name} cannot be decoded (${oneLine(error)}); is the file complete?`, error);

/**
 * Decodes a PNG, JPEG, WebP, GIF (first frame), TIFF (first page) or AVIF picture to 8-bit sRGB, upright by its EXIF
 * orientation. Grey, palette, CMYK and 16-bit pictures are converted; an embedded colour profile is applied.
 * @param input path of a file, or its contents
 * @returns RGB picture, channels 3; RGBA where alpha was asked for and is there
 * @throws UnclipError INPUT_PICTURE_INVALID: no such file, not a picture, damaged, over 64 Mpx or over 256 MiB
 */
export async function decodePicture(input: string | Uint8Array, options: DecodeOptions = {}): Promise<Picture> {
  const file = await readPictureFile(input);
  await headerOf(file);
  try {
    const image = sharp(file.bytes, { limitInputPixels: MAX_PIXELS, failOn: 'error' }).autoOrient();
    const { data, info } = await withAlpha(image, options)
      .toColourspace('srgb')
      .raw({ depth: 'uchar' })
      .timeout({ seconds: DECODE_SECONDS })
      .toBuffer({ resolveWithObject: true });
    return { width: info.width, height: info.height, channels: info.channels === 4 ? 4 : 3, data };
  } catch (error) {
    throw undecodable(file.name, error);
  }
}

function withAlpha(image: Sharp, { background, alpha = false }: DecodeOptions): Sharp {
  if (background !== undefined) return image.flatten({ background });
  return alpha ? image : image.removeAlpha();
}

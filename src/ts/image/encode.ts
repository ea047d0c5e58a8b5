import sharp from 'sharp';
import { UnclipError } from '../util/errors.js';
import { type PictureParameters, parametersAsPngTexts, parametersAsXmp } from './parameters.js';
import { checkPicture, type Picture } from './picture.js';
import { addPngTexts } from './png-text.js';

export const PICTURE_FORMATS = ['png', 'jpeg', 'webp'] as const;

export type PictureFormat = (typeof PICTURE_FORMATS)[number];

export interface EncodeOptions {
  format?: PictureFormat;
  /** Quality of JPEG and WebP, 1..100, default 92. PNG is lossless. */
  quality?: number;
  /** What made the picture, written into the file: PNG text chunks, or XMP in JPEG and WebP. */
  parameters?: PictureParameters;
}

/** The format that a file name's ending asks for (png, jpg, jpeg, webp in any case); undefined for any other. */
export function formatOfPath(path: string): PictureFormat | undefined {
  const ending = /\.([^./\\]+)$/.exec(path)?.[1]?.toLowerCase();
  return PICTURE_FORMATS.find((format) => format === (ending === 'jpg' ? 'jpeg' : ending));
}

/**
 * Encodes a picture as a file's contents. JPEG has no alpha: RGBA is laid on white. The same picture gives the same bytes.
 * @throws UnclipError INPUT_PICTURE_INVALID (data of another length than its sides say), INPUT_INVALID (quality)
 */
export async function encodePicture(picture: Picture, options: EncodeOptions = {}): Promise<Buffer> {
  checkPicture(picture);
  const { format = 'png', quality = 92, parameters } = options;
  if (!Number.isInteger(quality) || quality < 1 || quality > 100) {
    throw new UnclipError('INPUT_INVALID', `quality is ${quality}; give a whole number, 1 to 100`);
  }
  const { width, height, channels, data } = picture;
  const image = sharp(data, { raw: { width, height, channels }, limitInputPixels: false });
  if (format === 'png') {
    const png = await image.png().toBuffer();
    return parameters ? addPngTexts(png, parametersAsPngTexts(parameters)) : png;
  }
  const marked = parameters ? image.withXmp(parametersAsXmp(parameters)) : image;
  if (format === 'webp') return marked.webp({ quality }).toBuffer();
  // Full chroma resolution: small pictures with coloured edges suffer visibly from halved chroma.
  return marked.flatten({ background: '#ffffff' }).jpeg({ quality, chromaSubsampling: '4:4:4' }).toBuffer();
}

import sharp from 'sharp';
import { UnclipError } from '../util/errors.js';
import { type PictureParameters, parametersAsXmp } from './parameters.js';
import { checkPicture, type Picture } from './picture.js';

export const ANIMATION_FORMATS = ['webp', 'gif'] as const;

export type AnimationFormat = (typeof ANIMATION_FORMATS)[number];

export interface AnimationOptions {
  readonly format: AnimationFormat;
  /** Time of each frame, milliseconds, at least 10. Default 150. */
  readonly delayMs?: number;
  /** Quality of WebP, 1 … 100, default 92; GIF has 256 colours a frame. */
  readonly quality?: number;
  /** What made the frames; written into WebP as XMP. GIF has no room for it. */
  readonly parameters?: PictureParameters;
}

/**
 * Frames of one size as an animation that repeats for ever. Alpha is dropped.
 * @throws UnclipError INPUT_INVALID for no frames or frames of several sizes
 */
export async function encodeAnimation(frames: readonly Picture[], options: AnimationOptions): Promise<Buffer> {
  const { format, delayMs = 150, quality = 92, parameters } = options;
  const [first] = frames;
  if (first === undefined) throw new UnclipError('INPUT_INVALID', 'an animation needs at least one frame');
  const { width, height } = first;
  const size = width * height * 3;
  const data = new Uint8Array(size * frames.length);
  for (const [k, frame] of frames.entries()) {
    checkPicture(frame);
    if (frame.width !== width || frame.height !== height)
      throw new UnclipError('INPUT_INVALID', 'frames of an animation must have one size');
    for (let i = 0; i < width * height; i++)
      for (let c = 0; c < 3; c++) data[k * size + 3 * i + c] = frame.data[frame.channels * i + c]!;
  }
  const raw = { width, height: height * frames.length, channels: 3 as const, pageHeight: height };
  const image = sharp(data, { raw, limitInputPixels: false });
  const timing = { delay: frames.map(() => delayMs), loop: 0 };
  if (format === 'gif') return image.gif(timing).toBuffer();
  const marked = parameters ? image.withXmp(parametersAsXmp(parameters)) : image;
  return marked.webp({ ...timing, quality }).toBuffer();
}

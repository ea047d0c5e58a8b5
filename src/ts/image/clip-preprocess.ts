import { join } from 'node:path';
import { z } from 'zod';
import { UnclipError } from '../util/errors.js';
import { readModelJson } from '../util/json-file.js';
import type { Sliced } from '../util/sliced.js';
import { checkPicture, type Picture } from './picture.js';
import { resizeBicubic } from './resample.js';

const side = z.int().min(1).max(4096);
const triple = z.tuple([z.number(), z.number(), z.number()]);

/** preprocessor_config.json of a CLIPImageProcessor; older files write sizes as plain numbers. Unread keys are ignored. */
const schema = z.object({
  size: z
    .union([side.transform((edge) => ({ shortest_edge: edge })), z.object({ shortest_edge: side })])
    .default({ shortest_edge: 224 }),
  crop_size: z
    .union([side.transform((edge) => ({ height: edge, width: edge })), z.object({ height: side, width: side })])
    .default({ height: 224, width: 224 }),
  image_mean: triple.default([0.48145466, 0.4578275, 0.40821073]),
  image_std: triple
    .refine((std) => std.every((s) => s > 0), 'must be positive')
    .default([0.26862954, 0.26130258, 0.27577711]),
  rescale_factor: z
    .number()
    .positive()
    .default(1 / 255),
  resample: z.literal(3).default(3),
  do_resize: z.literal(true).default(true),
  do_center_crop: z.literal(true).default(true),
  do_rescale: z.literal(true).default(true),
  do_normalize: z.literal(true).default(true),
});

/**
 * How an odd margin is halved when the crop is placed: 'floor' as transformers' CLIPImageProcessor does, 'even' (halves to
 * even) as torchvision's CenterCrop, which openai/CLIP uses.
 */
export type CropRounding = 'floor' | 'even';

/** Makes of a picture what CLIP's image encoder reads: short side resized as Pillow does, centre cropped, normalised. */
export class ClipPreprocessor {
  /** Sides of the result, pixels. */
  readonly height: number;
  readonly width: number;
  private readonly shortestEdge: number;
  /** [3, 256]: normalised value of each byte of each channel. */
  private readonly lookup: Float32Array;

  private constructor(config: z.infer<typeof schema>) {
    this.height = config.crop_size.height;
    this.width = config.crop_size.width;
    this.shortestEdge = config.size.shortest_edge;
    const f = Math.fround;
    // Scaled in double and rounded to f32, then mean and deviation in f32: the roundings of transformers' numpy code.
    this.lookup = Float32Array.from({ length: 3 * 256 }, (_, i) => {
      const channel = Math.floor(i / 256);
      return f(f((i % 256) * config.rescale_factor) - f(config.image_mean[channel]!)) / f(config.image_std[channel]!);
    });
  }

  /**
   * @param json parsed preprocessor_config.json
   * @param source how messages name the file
   * @throws UnclipError MODEL_CONFIG_INVALID naming the key
   */
  static fromJson(json: unknown, source = 'preprocessor_config.json'): ClipPreprocessor {
    const result = schema.safeParse(json);
    if (!result.success) {
      const { path, message } = result.error.issues[0]!;
      throw new UnclipError(
        'MODEL_CONFIG_INVALID',
        `${source}: ${path.join('.') || 'the file'} is not supported (${message})`,
      );
    }
    const { size, crop_size } = result.data;
    if (Math.max(crop_size.height, crop_size.width) > size.shortest_edge) {
      throw new UnclipError('MODEL_CONFIG_INVALID', `${source}: crop_size is larger than size, which is not supported`);
    }
    return new ClipPreprocessor(result.data);
  }

  /**
   * Reads `<folder>/preprocessor_config.json`.
   * @throws UnclipError MODEL_FILE_MISSING, MODEL_FILE_INVALID or MODEL_CONFIG_INVALID
   */
  static load(folder: string): ClipPreprocessor {
    const path = join(folder, 'preprocessor_config.json');
    return ClipPreprocessor.fromJson(readModelJson(path), path);
  }

  /**
   * @param picture RGB or RGBA (alpha is ignored)
   * @returns [height, width, 3], normalised, channels last
   * @throws UnclipError INPUT_PICTURE_INVALID (also for a picture so narrow that its resized long side has over 64 Ki pixels)
   */
  *apply(picture: Picture, rounding: CropRounding = 'floor'): Sliced<Float32Array> {
    checkPicture(picture);
    const short = Math.min(picture.width, picture.height);
    const resized = (length: number) => Math.trunc((this.shortestEdge * length) / short);
    const [width, height] = [resized(picture.width), resized(picture.height)];
    if (Math.max(width, height) > 65_536) {
      throw new UnclipError(
        'INPUT_PICTURE_INVALID',
        `picture of ${picture.width}x${picture.height} is too narrow; crop it first`,
      );
    }
    const { data, channels } = yield* resizeBicubic(picture, width, height);
    const left = cropOffset(width - this.width, rounding);
    const top = cropOffset(height - this.height, rounding);
    const result = new Float32Array(this.height * this.width * 3);
    let to = 0;
    for (let y = 0; y < this.height; y++) {
      for (let x = 0; x < this.width; x++) {
        const from = ((top + y) * width + left + x) * channels;
        for (let c = 0; c < 3; c++) result[to++] = this.lookup[c * 256 + data[from + c]!]!;
      }
    }
    return result;
  }
}

/** First kept pixel of an axis whose length exceeds the crop by `excess` ≥ 0. */
export function cropOffset(excess: number, rounding: CropRounding): number {
  const floor = Math.floor(excess / 2);
  const roundUp = rounding === 'even' && excess % 2 === 1 && floor % 2 === 1;
  return roundUp ? floor + 1 : floor;
}

import { type Resampling, repaintWalk } from '../../diffusion/repaint.js';
import { type Mask, maskArea, maskOfAlpha, maskOfPicture } from '../../image/mask.js';
import type { Picture } from '../../image/picture.js';
import { type PictureInput, readPicture } from '../../image/picture-input.js';
import { UnclipError } from '../../util/errors.js';
import { inSlices } from '../../util/sliced.js';
import type { PictureRequest } from '../request.js';
import type { SamplingSettings } from '../settings.js';
import { checkMargins, growMask, growPicture, type Margins } from './canvas.js';

/** What an edit is told besides what every drawing is. */
export interface EditOptions {
  /** What is edited: PNG, JPEG, WebP, GIF, TIFF, AVIF, or pixels. */
  readonly picture: PictureInput;
  /**
   * A picture of the same size: where its alpha is 0, or, if nothing of it is transparent, where it is black, the picture is drawn
   * anew. Default: the picture's own transparent region.
   */
  readonly mask?: PictureInput;
  /** Keeps what the mask would have drawn, and the other way round. Default false. */
  readonly invertMask?: boolean;
  /** Grows the canvas by so many pixels a side; what is new is drawn. */
  readonly outpaint?: Partial<Margins>;
  /** How often the decoder runs each stretch of its steps, 1 … 100: more is slower and in better harmony with what is kept. Default 2. */
  readonly resample?: number;
  /** Decoder steps of a stretch. Default 4. */
  readonly jump?: number;
  /** Pixels within the mask over which what is kept turns into what is drawn; 0 is a hard edge. Default: a 64th of the window. */
  readonly feather?: number;
}

export type EditPictureRequest = PictureRequest & EditOptions;

/** One repeat of each stretch: on the bundled model `npm run eval:edit` tells more of them apart by their time only. */
export const DEFAULT_RESAMPLING: Resampling = { resample: 2, jump: 4 };

/** Most bytes of finished pictures that one request may hold. */
const MAX_RESULT_BYTES = 4 * 2 ** 30;

/**
 * Checks what can be checked before a file is read.
 * @throws UnclipError INPUT_INVALID
 */
export function checkEditOptions(
  o: EditOptions,
  { decoderSteps, sampler }: Pick<SamplingSettings, 'decoderSteps' | 'sampler'>,
): { resampling: Resampling; margins: Margins } {
  const resampling = {
    resample: o.resample ?? DEFAULT_RESAMPLING.resample,
    jump: o.jump ?? DEFAULT_RESAMPLING.jump,
  };
  repaintWalk(decoderSteps, resampling);
  if (sampler === 'dpm++2m' && resampling.resample > 1)
    throw new UnclipError(
      'INPUT_INVALID',
      `sampler dpm++2m looks back at the step before, which an edit repeats; take another, or resample 1`,
    );
  if (o.feather !== undefined && !(Number.isFinite(o.feather) && o.feather >= 0))
    throw new UnclipError('INPUT_INVALID', `feather is ${o.feather}: give pixels, 0 or more`);
  return { resampling, margins: checkMargins(o.outpaint) };
}

/** What is edited: the canvas, RGBA, in memory of its own, and what of it is drawn. */
export interface EditInputs {
  readonly canvas: Picture;
  readonly mask: Mask;
  /** Pixels that are drawn. */
  readonly area: number;
  /** What a person should know of it. */
  readonly notes: readonly string[];
}

/**
 * Reads picture and mask.
 * @param n pictures that will be drawn
 * @throws UnclipError INPUT_PICTURE_INVALID; INPUT_INVALID for a mask of another size, or one that selects nothing;
 *   INPUT_TOO_LARGE for a canvas over 64 Mpx, or more pictures of this size than 4 GiB hold
 */
export async function readEditInputs(o: EditOptions, margins: Margins, n: number): Promise<EditInputs> {
  const picture = await readPicture(o.picture, { alpha: true });
  const grown = Object.values(margins).some((margin) => margin > 0);
  const given = o.mask === undefined ? undefined : await readMask(o.mask, o.invertMask ?? false, picture);
  if (given === undefined && o.invertMask === true)
    throw new UnclipError('INPUT_INVALID', 'invertMask needs a mask; give one');
  const canvas = await inSlices(growPicture(picture, margins));
  if (canvas.data.length * n > MAX_RESULT_BYTES)
    throw new UnclipError(
      'INPUT_TOO_LARGE',
      `${n} pictures of ${canvas.width}x${canvas.height} take over 4 GiB; draw fewer at once`,
    );
  const own = given ?? (await inSlices(maskOfAlpha(picture)));
  const mask = growMask(picture, own, margins);
  const area = await inSlices(maskArea(mask));
  if (area === 0) throw nothingSelected(given !== undefined);
  const notes = [];
  if (given === undefined && !grown) notes.push(`no mask was given: the picture's own transparent region is drawn`);
  if (area === mask.data.length) notes.push('the mask covers the whole picture: nothing of it is kept');
  return { canvas, mask, area, notes };
}

async function readMask(input: PictureInput, invert: boolean, picture: Picture): Promise<Mask> {
  const mask = await readPicture(input, { alpha: true });
  if (mask.width !== picture.width || mask.height !== picture.height)
    throw new UnclipError(
      'INPUT_INVALID',
      `the mask has ${mask.width}x${mask.height} pixels, the picture ${picture.width}x${picture.height}; they must be the same`,
    );
  return inSlices(maskOfPicture(mask, invert));
}

const nothingSelected = (masked: boolean): UnclipError =>
  new UnclipError(
    'INPUT_INVALID',
    masked
      ? 'the mask selects nothing: make what shall be drawn transparent or black, or invert it'
      : 'nothing is to be drawn: give a mask, a picture with a transparent region, or margins to outpaint',
  );

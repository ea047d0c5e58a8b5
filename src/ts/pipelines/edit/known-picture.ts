import type { Mask } from '../../image/mask.js';
import { nearestKept } from '../../image/nearest-kept.js';
import type { Picture } from '../../image/picture.js';
import { resizeBicubic } from '../../image/resample.js';
import { asSample } from '../../image/square.js';
import type { Sliced } from '../../util/sliced.js';
import type { KnownPicture } from '../drawing-run.js';
import type { KnownSample } from '../known-part.js';
import type { Window } from './windows.js';

/** A window's pixels cut out of a picture: what lies beyond the picture's edges counts as drawn anew. */
export interface Cut {
  /** RGB, [size, size, 3]; pixels that are drawn anew hold the colour of the nearest kept one. */
  readonly picture: Picture;
  readonly mask: Mask;
  /** See {@link nearestKept}. */
  readonly nearest: Int32Array;
}

/**
 * Cuts a window out of an RGBA canvas. Nothing of what the mask covers is in the result: what was there leaves no trace in what is
 * drawn, be it the colour of transparent pixels or a thing to be replaced.
 */
export function* cutWindow(canvas: Picture, mask: Mask, { left, top, size }: Window): Sliced<Cut> {
  const drawn = new Uint8Array(size * size).fill(1);
  const [x0, x1] = [Math.max(0, left), Math.min(canvas.width, left + size)];
  const [y0, y1] = [Math.max(0, top), Math.min(canvas.height, top + size)];
  for (let y = y0; y < y1; y++)
    drawn.set(mask.data.subarray(y * mask.width + x0, y * mask.width + x1), (y - top) * size + x0 - left);
  const own: Mask = { width: size, height: size, data: drawn };
  const nearest = yield* nearestKept(own);
  const data = new Uint8Array(size * size * 3);
  for (let i = 0; i < nearest.length; i++) {
    const kept = nearest[i]!;
    if (kept < 0) break;
    if (i % size === 0) yield;
    const from = ((top + Math.floor(kept / size)) * canvas.width + left + (kept % size)) * canvas.channels;
    for (let c = 0; c < 3; c++) data[3 * i + c] = canvas.data[from + c]!;
  }
  return { picture: { width: size, height: size, channels: 3, data }, mask: own, nearest };
}

/**
 * What is known of a window at the sizes of decoder and upsampler.
 * @returns undefined where nothing is: then the picture is drawn as any other
 */
export function* knownPicture(cut: Cut, decoderSize: number, superResSize: number): Sliced<KnownPicture | undefined> {
  if (!cut.mask.data.includes(0)) return undefined;
  const large = yield* resizeBicubic(cut.picture, superResSize, superResSize);
  return {
    decoder: yield* sample(yield* resizeBicubic(large, decoderSize, decoderSize), cut.mask),
    superRes: yield* sample(large, cut.mask),
  };
}

function* sample(picture: Picture, mask: Mask): Sliced<KnownSample> {
  return { pixels: asSample(picture), weights: yield* keptCells(mask, picture.width) };
}

/** f32 [cells, cells]: 1 where all pixels of a square mask that a cell covers, in whole or in part, are kept. */
export function* keptCells({ width: size, data }: Mask, cells: number): Sliced<Float32Array> {
  const first = (cell: number): number => Math.floor((cell * size) / cells);
  const end = (cell: number): number => Math.ceil(((cell + 1) * size) / cells);
  const kept = new Float32Array(cells * cells).fill(1);
  for (let i = 0; i < kept.length; i++) {
    const [cx, cy] = [i % cells, Math.floor(i / cells)];
    if (cx === 0) yield;
    for (let y = first(cy); y < end(cy); y++)
      if (data.subarray(y * size + first(cx), y * size + end(cx)).includes(1)) kept[i] = 0;
  }
  return kept;
}

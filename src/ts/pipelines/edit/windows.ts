import type { Box } from '../../image/mask.js';

/** A square of a picture that is drawn at once. It may reach beyond the picture's edges. */
export interface Window {
  readonly left: number;
  readonly top: number;
  readonly size: number;
}

/** How an edit is cut: one window with what surrounds the mask, one that holds the whole picture, or several in a row. */
export interface Placement {
  readonly kind: 'window' | 'whole' | 'tiles';
  /** In order along the picture's long side. */
  readonly windows: readonly Window[];
}

/** Side of a window over the longer side of the mask: the model has to see what it draws into. */
const CONTEXT = 2;

/** The largest part of the picture's short side that a mask may take and still be drawn in a window within the picture. */
const ROOMY = 0.8;

/** The largest part of a window, or of a picture cut into windows, that may be drawn anew: the rest is what it is drawn from. */
const MOSTLY_DRAWN = 0.6;

/** Pictures up to this ratio of sides are drawn whole where little of them is kept. */
const SQUARE_ENOUGH = 2;

/**
 * Chooses the windows of an edit: as small as shows enough of what surrounds the mask, since what is kept then has the scale that it
 * has in the model's own pictures, and what is drawn the more detail.
 * @param width, height sides of the picture, pixels
 * @param box of the mask
 * @param area of the mask, pixels
 * @param modelSize side of what the model draws: a smaller window would only be shrunk again
 */
export function placeWindows(width: number, height: number, box: Box, area: number, modelSize: number): Placement {
  const [short, long] = [Math.min(width, height), Math.max(width, height)];
  const need = Math.max(box.right - box.left, box.bottom - box.top);
  const fits = need <= short;
  if (need <= ROOMY * short) {
    const size = Math.min(short, Math.max(modelSize, Math.ceil(CONTEXT * need)));
    return { kind: size === long ? 'whole' : 'window', windows: [around(width, height, box, size)] };
  }
  if (fits && long > short && area <= MOSTLY_DRAWN * short ** 2)
    return { kind: 'window', windows: [around(width, height, box, short)] };
  if (!fits && area <= MOSTLY_DRAWN * width * height) return { kind: 'tiles', windows: tiles(width, height, box) };
  if (long <= SQUARE_ENOUGH * short) {
    const middle = (side: number): number => Math.floor((side - long) / 2);
    return { kind: 'whole', windows: [{ left: middle(width), top: middle(height), size: long }] };
  }
  if (fits) return { kind: 'window', windows: [around(width, height, box, short)] };
  return { kind: 'tiles', windows: tiles(width, height, box) };
}

/** A window round the middle of a box, moved into the picture. */
function around(width: number, height: number, box: Box, size: number): Window {
  const place = (from: number, to: number, side: number): number =>
    Math.min(Math.max(Math.round((from + to - size) / 2), 0), side - size);
  return { left: place(box.left, box.right, width), top: place(box.top, box.bottom, height), size };
}

/** Windows of the short side's length along the long side, each over half of the one before, evenly from one end of the box to the other. */
function tiles(width: number, height: number, box: Box): Window[] {
  const wide = width >= height;
  const [size, long] = wide ? [height, width] : [width, height];
  const [from, to] = wide ? [box.left, box.right] : [box.top, box.bottom];
  const first = Math.max(0, Math.min(from, long - size));
  const last = Math.max(first, Math.min(to, long) - size);
  const count = Math.ceil((last - first) / (size / 2));
  return Array.from({ length: count + 1 }, (_, k) => {
    const at = count === 0 ? first : Math.round(first + ((last - first) * k) / count);
    return wide ? { left: at, top: 0, size } : { left: 0, top: at, size };
  });
}

/** What was done, in words: for people who wonder at the size of what was drawn. */
export function describePlacement({ kind, windows }: Placement, modelSize: number): string {
  const { left, top, size } = windows[0]!;
  const scaled = size === modelSize ? '' : `, at the model's ${modelSize}×${modelSize} and resized`;
  if (kind === 'tiles') return `drawn in ${windows.length} overlapping windows of ${size}×${size}${scaled}`;
  if (kind === 'whole') return `drawn as one picture of ${size}×${size}${scaled}`;
  return `drawn in a window of ${size}×${size} at ${left},${top}${scaled}`;
}

import type { Picture } from '../../image/picture.js';
import { resizeBicubic } from '../../image/resample.js';
import type { Sliced } from '../../util/sliced.js';
import type { Cut } from './known-picture.js';
import type { Window } from './windows.js';

/**
 * Puts a drawn window into a canvas, in place. Pixels that the mask keeps are not touched; those that it covers become opaque and
 * take the drawn colour, mixed over the first `feather` pixels from the mask's edge with the nearest kept colour.
 * @param canvas RGBA
 * @param drawn the window as the model drew it, square, of any size
 * @param feather pixels; 0 is a hard edge
 */
export function* pasteWindow(
  canvas: Picture,
  drawn: Picture,
  { left, top, size }: Window,
  cut: Cut,
  feather: number,
): Sliced<void> {
  const scaled = yield* resizeBicubic(drawn, size, size);
  for (let i = 0; i < cut.nearest.length; i++) {
    const [wx, wy] = [i % size, Math.floor(i / size)];
    if (wx === 0) yield;
    const [x, y] = [left + wx, top + wy];
    if (cut.mask.data[i] === 0 || x < 0 || y < 0 || x >= canvas.width || y >= canvas.height) continue;
    const kept = cut.nearest[i]!;
    const weight = kept < 0 ? 1 : feathered(Math.hypot(wx - (kept % size), wy - Math.floor(kept / size)), feather);
    const to = (y * canvas.width + x) * 4;
    for (let c = 0; c < 3; c++) {
      const own = scaled.data[i * scaled.channels + c]!;
      // The cut holds the nearest kept colour there.
      canvas.data[to + c] = Math.round(weight * own + (1 - weight) * cut.picture.data[3 * i + c]!);
    }
    canvas.data[to + 3] = 255;
  }
}

/** Weight of what was drawn, rising smoothly from the mask's edge to `feather` pixels within. @param distance to the nearest kept pixel, at least 1 */
export function feathered(distance: number, feather: number): number {
  const t = Math.min(1, distance / (feather + 1));
  return t * t * (3 - 2 * t);
}

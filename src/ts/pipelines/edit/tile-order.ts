import type { Mask } from '../../image/mask.js';
import type { Sliced } from '../../util/sliced.js';
import type { Window } from './windows.js';

/** The columns and the rows of a window that lie within a picture. */
function within(
  { width, height }: Mask,
  { left, top, size }: Window,
): [x0: number, x1: number, y0: number, y1: number] {
  return [Math.max(0, left), Math.min(width, left + size), Math.max(0, top), Math.min(height, top + size)];
}

/** Pixels of a window that are still to be drawn. */
export function* pendingPixels(mask: Mask, window: Window): Sliced<number> {
  const [x0, x1, y0, y1] = within(mask, window);
  let sum = 0;
  for (let y = y0; y < y1; y++) {
    for (let x = x0; x < x1; x++) sum += mask.data[y * mask.width + x]!;
    yield;
  }
  return sum;
}

/**
 * Of the windows that have something to draw, the one that has least, so that each is drawn from as much as is known; undefined
 * when nothing is left to draw.
 */
export function* nextWindow(windows: readonly Window[], mask: Mask): Sliced<Window | undefined> {
  let best: { readonly window: Window; readonly left: number } | undefined;
  for (const window of windows) {
    const left = yield* pendingPixels(mask, window);
    if (left > 0 && (best === undefined || left < best.left)) best = { window, left };
  }
  return best?.window;
}

/** Marks a window as drawn, in place. */
export function markDrawn(mask: Mask, window: Window): void {
  const [x0, x1, y0, y1] = within(mask, window);
  for (let y = y0; y < y1; y++) mask.data.fill(0, y * mask.width + x0, y * mask.width + x1);
}

import type { Sides } from './box.js';

export type Tool = 'brush' | 'erase' | 'box';

/** Brush widths in pixels of the picture. */
export const NARROWEST = 2;
export const widestBrush = ({ width, height }: Sides): number => Math.max(16, Math.round(Math.min(width, height) / 2));
export const usualBrush = ({ width, height }: Sides): number => Math.max(8, Math.round(Math.min(width, height) / 8));

/** A width a notch wider or narrower, within what there is. */
export function nextWidth(width: number, wider: boolean, sides: Sides): number {
  const next = wider ? Math.max(width + 1, width * 1.2) : Math.min(width - 1, width / 1.2);
  return Math.round(Math.min(widestBrush(sides), Math.max(NARROWEST, next)));
}

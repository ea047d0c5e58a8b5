import type { Box } from './box.js';

export interface Point {
  readonly x: number;
  readonly y: number;
}

/** A change of the mask, in pixels of the picture. What is masked is drawn anew. */
export type MaskChange =
  | { readonly kind: 'stroke'; readonly erase: boolean; readonly width: number; readonly points: readonly Point[] }
  | { readonly kind: 'box'; readonly erase: boolean; readonly box: Box }
  | { readonly kind: 'clear' }
  | { readonly kind: 'invert' };

/** Of what is masked on the screen; the mask itself is its alpha. */
const COLOUR = '#e0218a';

/** Applies a change to a mask: opaque where it is masked. */
export function paint(context: CanvasRenderingContext2D, change: MaskChange): void {
  const { width, height } = context.canvas;
  context.save();
  context.fillStyle = COLOUR;
  context.strokeStyle = COLOUR;
  if (change.kind === 'clear') context.clearRect(0, 0, width, height);
  else if (change.kind === 'invert') {
    context.globalCompositeOperation = 'xor';
    context.fillRect(0, 0, width, height);
  } else {
    context.globalCompositeOperation = change.erase ? 'destination-out' : 'source-over';
    if (change.kind === 'box') context.fillRect(change.box.x, change.box.y, change.box.width, change.box.height);
    else stroke(context, change.points, change.width);
  }
  context.restore();
}

function stroke(context: CanvasRenderingContext2D, points: readonly Point[], width: number): void {
  const [first, ...others] = points;
  if (first === undefined) return;
  context.lineWidth = width;
  context.lineCap = 'round';
  context.lineJoin = 'round';
  context.beginPath();
  // A line without length is not drawn, round ends or not.
  context.arc(first.x, first.y, width / 2, 0, 2 * Math.PI);
  context.fill();
  context.beginPath();
  context.moveTo(first.x, first.y);
  for (const { x, y } of others) context.lineTo(x, y);
  context.stroke();
}

/** Draws a mask from nothing. */
export function paintAll(context: CanvasRenderingContext2D, changes: readonly MaskChange[]): void {
  paint(context, { kind: 'clear' });
  for (const change of changes) paint(context, change);
}

/** Alpha from which a pixel of the mask counts; the edges of strokes are smooth. */
const MASKED = 128;

/**
 * Turns a mask around into what the API takes, in place: transparent where it is to be drawn anew, else opaque.
 * @param pixels RGBA
 * @returns how many pixels are to be drawn anew
 */
export function toApiMask(pixels: Uint8ClampedArray): number {
  let masked = 0;
  for (let at = 0; at < pixels.length; at += 4) {
    const anew = pixels[at + 3]! >= MASKED;
    if (anew) masked++;
    pixels[at] = 0;
    pixels[at + 1] = 0;
    pixels[at + 2] = 0;
    pixels[at + 3] = anew ? 0 : 255;
  }
  return masked;
}

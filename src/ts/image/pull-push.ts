import type { Sliced } from '../util/sliced.js';

/** Channels of a field: three values and how much each position is known, 0 … 1. */
const CHANNELS = 4;

/**
 * Fills in a smooth field where it is not known (pull-push, Gortler et al. 1996, "The Lumigraph", section 3.4.2): averages of what is
 * known go up a pyramid, and come down again into the gaps. In place.
 * @param field [size, size, 4]: three values times their weight, and the weight; afterwards the weight is 1 everywhere, or 0 where
 *   nothing at all is known
 */
export function* pullPush(field: Float32Array, size: number): Sliced<void> {
  if (size <= 1) {
    normalize(field);
    return;
  }
  const half = Math.ceil(size / 2);
  const coarse = new Float32Array(half * half * CHANNELS);
  for (let y = 0; y < size; y++) {
    for (let x = 0; x < size; x++) {
      const [from, to] = [(y * size + x) * CHANNELS, ((y >> 1) * half + (x >> 1)) * CHANNELS];
      for (let c = 0; c < CHANNELS; c++) coarse[to + c]! += field[from + c]!;
    }
    yield;
  }
  // A position that is known more than once counts as known, no more.
  for (let i = 0; i < coarse.length; i += CHANNELS) {
    const weight = Math.max(1, coarse[i + 3]!);
    for (let c = 0; c < CHANNELS; c++) coarse[i + c]! /= weight;
  }
  yield* pullPush(coarse, half);
  for (let y = 0; y < size; y++) {
    for (let x = 0; x < size; x++) {
      const i = (y * size + x) * CHANNELS;
      const missing = 1 - field[i + 3]!;
      for (let c = 0; c < CHANNELS; c++) field[i + c]! += missing * enlarged(coarse, half, x, y, c);
    }
    yield;
  }
}

function normalize(field: Float32Array): void {
  const weight = field[3]!;
  if (weight > 0) for (let c = 0; c < CHANNELS; c++) field[c]! /= weight;
}

/** The coarse field at a fine position, between its four nearest. */
function enlarged(coarse: Float32Array, half: number, x: number, y: number, c: number): number {
  const [u, v] = [x / 2 - 0.25, y / 2 - 0.25];
  const [x0, y0] = [Math.floor(u), Math.floor(v)];
  const at = (px: number, py: number): number => {
    const [cx, cy] = [Math.min(Math.max(px, 0), half - 1), Math.min(Math.max(py, 0), half - 1)];
    return coarse[(cy * half + cx) * CHANNELS + c]!;
  };
  const [fx, fy] = [u - x0, v - y0];
  const top = (1 - fx) * at(x0, y0) + fx * at(x0 + 1, y0);
  const bottom = (1 - fx) * at(x0, y0 + 1) + fx * at(x0 + 1, y0 + 1);
  return (1 - fy) * top + fy * bottom;
}

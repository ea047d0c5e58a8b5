import type { Sliced } from '../util/sliced.js';
import type { Mask } from './mask.js';

/** No kept pixel known yet. */
const NONE = -1;

/**
 * For every pixel the index (y · width + x) of the nearest one that the mask keeps; its own where it is kept itself, −1 everywhere
 * where nothing is kept. Two sweeps that hand nearest pixels on between eight neighbours (Danielsson 1980): exact but for
 * rare ties of large distances.
 */
export function* nearestKept({ width, height, data }: Mask): Sliced<Int32Array> {
  const nearest = new Int32Array(data.length);
  for (let y = 0, i = 0; y < height; y++) {
    for (const end = i + width; i < end; i++) nearest[i] = data[i] === 0 ? i : NONE;
    yield;
  }
  const squared = (x: number, y: number, kept: number): number =>
    (x - (kept % width)) ** 2 + (y - Math.floor(kept / width)) ** 2;
  const take = (x: number, y: number, fromX: number, fromY: number): void => {
    if (fromX < 0 || fromX >= width || fromY < 0 || fromY >= height) return;
    const offered = nearest[fromY * width + fromX]!;
    if (offered === NONE) return;
    const i = y * width + x;
    const own = nearest[i]!;
    if (own === NONE || squared(x, y, offered) < squared(x, y, own)) nearest[i] = offered;
  };
  function* sweep(down: boolean): Sliced<void> {
    const step = down ? -1 : 1;
    for (let k = 0; k < height; k++) {
      const y = down ? k : height - 1 - k;
      for (let x = 0; x < width; x++) for (let d = -1; d <= 1; d++) take(x, y, x + d, y + step);
      for (let x = 1; x < width; x++) take(x, y, x - 1, y);
      for (let x = width - 2; x >= 0; x--) take(x, y, x + 1, y);
      yield;
    }
  }
  yield* sweep(true);
  yield* sweep(false);
  return nearest;
}

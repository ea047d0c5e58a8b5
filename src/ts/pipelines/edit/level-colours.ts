import type { Mask } from '../../image/mask.js';
import { nearestKept } from '../../image/nearest-kept.js';
import type { Picture } from '../../image/picture.js';
import { pullPush } from '../../image/pull-push.js';
import type { Sliced } from '../../util/sliced.js';
import type { KnownSample } from '../known-part.js';

/** What is looked at: pixels within the mask up to this far from its edge, as a share of the picture's side (6 of 256). */
const RING = 6 / 256;

/** A difference of colours from which on it is another thing that meets the edge, not the same one in another tone; of 255. */
const OTHER_THING = 40;

/**
 * Levels the tones of what was drawn with what is kept around it: where the two differ a little along the mask's edge, that
 * difference is spread smoothly over what was drawn and taken away, as seamless cloning does (Pérez et al. 2003), so that a wall
 * goes on in its own colour. Where they differ much, a thing reaches the edge, and nothing is levelled.
 * @param drawn square, of the size of `known`; what is kept is returned as it is drawn
 */
export function* levelColours(drawn: Picture, known: KnownSample): Sliced<Picture> {
  const { width: size, channels } = drawn;
  const mask: Mask = { width: size, height: size, data: Uint8Array.from(known.weights, (w) => (w === 1 ? 0 : 1)) };
  const nearest = yield* nearestKept(mask);
  const field = new Float32Array(size * size * 4);
  const reach = Math.max(1, RING * size);
  for (let i = 0; i < nearest.length; i++) {
    const kept = nearest[i]!;
    if (i % size === 0) yield;
    if (kept < 0 || kept === i) continue;
    const distance = Math.hypot((i % size) - (kept % size), Math.floor(i / size) - Math.floor(kept / size));
    if (distance > reach) continue;
    const difference = [0, 1, 2].map((c) => 127.5 * (known.pixels[3 * kept + c]! + 1) - drawn.data[channels * i + c]!);
    const share = Math.max(...difference.map(Math.abs)) / OTHER_THING;
    // Tukey's biweight: the larger the difference, the less it counts.
    const weight = share < 1 ? (1 - share ** 2) ** 2 : 0;
    for (let c = 0; c < 3; c++) field[4 * i + c] = weight * difference[c]!;
    field[4 * i + 3] = weight;
  }
  yield* pullPush(field, size);
  const data = drawn.data.slice();
  for (let i = 0; i < mask.data.length; i++) {
    if (mask.data[i] === 0) continue;
    for (let c = 0; c < 3; c++) {
      const at = channels * i + c;
      data[at] = Math.min(255, Math.max(0, Math.round(data[at]! + field[4 * i + c]!)));
    }
  }
  return { ...drawn, data };
}

import sharp from 'sharp';
import { caption } from '../../training/world/captions.mjs';
import { allCombinations, isHeldOut } from '../../training/world/heldout.mjs';
import { BACKGROUND } from '../../training/world/places.mjs';
import { heldOutPrompts } from '../../training/world/prompts.mjs';
import { makeRandom } from '../../training/world/random.mjs';
import { SIZE } from '../../training/world/scene.mjs';

/** @typedef {import('./world.mjs').Wanted & { heldOut: boolean }} Edit */
/** @typedef {import('./pixels.mjs').Picture} Picture */

/** Places of edits are numbered from here on, far from those that training saw. */
const EDIT_SEEDS = 3_500_000_000;

/** Where the foot of a thing may stand in each place, as the renderer has it. */
const FOOT = { 'parking lot': 214, table: 196, 'living room': 222, grass: 216, beach: 218, 'night sky': 196 };

/**
 * "Add THING of COLOUR to PLACE": every other one a combination that no training picture shows.
 * @param {number} count @param {number} seed @returns {Edit[]}
 */
export function edits(count, seed) {
  const random = makeRandom(seed + 2);
  const seen = allCombinations().filter((c) => !isHeldOut(c.thing, c.colour, c.place));
  const unseen = heldOutPrompts(Math.ceil(count / 2), seed);
  return Array.from({ length: count }, (_, i) => {
    if (i % 2 === 0) return { ...unseen[i / 2], heldOut: true };
    const scene = random.pick(seen);
    let prompt = '';
    do prompt = caption(scene, random);
    while (!prompt.includes(scene.place));
    return { prompt, ...scene, heldOut: false };
  });
}

/** A place without a thing, 256×256 RGB. @param {string} place @param {number} number @returns {Promise<Picture>} */
export async function emptyPlace(place, number) {
  const background = BACKGROUND[place](makeRandom(EDIT_SEEDS + number));
  const svg = `<svg xmlns="http://www.w3.org/2000/svg" width="${SIZE}" height="${SIZE}" viewBox="0 0 256 256">${background}</svg>`;
  const data = await sharp(Buffer.from(svg)).removeAlpha().raw().toBuffer();
  return { width: SIZE, height: SIZE, channels: 3, data };
}

/**
 * The region where a thing goes, black on white: a rectangle or an ellipse of varying size and place.
 * @param {string} place @param {number} number @returns {Picture}
 */
export function regionMask(place, number) {
  const random = makeRandom(EDIT_SEEDS + number + 1_000_000);
  const [x, width, height] = [128 + random.between(-8, 8), random.between(184, 208), random.between(158, 176)];
  const [bottom, round] = [FOOT[place] + random.between(14, 20), number % 3 === 2];
  const [rx, ry] = round ? [width * 0.58, height * 0.58] : [width / 2, height / 2];
  const y = bottom - height / 2;
  const data = new Uint8Array(SIZE * SIZE * 3).fill(255);
  for (let py = 0; py < SIZE; py++)
    for (let px = 0; px < SIZE; px++) {
      const [dx, dy] = [(px + 0.5 - x) / rx, (py + 0.5 - y) / ry];
      const inside = round ? dx ** 2 + dy ** 2 < 1 : Math.abs(dx) < 1 && Math.abs(dy) < 1;
      if (inside) data.fill(0, 3 * (py * SIZE + px), 3 * (py * SIZE + px) + 3);
    }
  return { width: SIZE, height: SIZE, channels: 3, data };
}

/** Pixels that lie outside a black-on-white mask and were changed. @param {Picture} before @param {Picture} mask @param {Picture} after */
export function changedOutside(before, mask, after) {
  let changed = 0;
  for (let i = 0; i < SIZE * SIZE; i++) {
    if (mask.data[3 * i] === 0) continue;
    const same = [0, 1, 2].every((c) => before.data[3 * i + c] === after.data[after.channels * i + c]);
    if (!same) changed++;
  }
  return changed;
}

/** Ring within the mask's edge where the place should go on as it was, pixels. */
const RING = 6;

/**
 * How far what was drawn next to the mask's edge is from the place that goes on behind it: the median over the ring of the mean
 * difference of a pixel's channels, of 255. The median, since a thing may reach into the ring.
 * @param {Picture} before @param {Picture} mask @param {Picture} after
 */
export function seamStep(before, mask, after) {
  const kept = (x, y) => x < 0 || y < 0 || x >= SIZE || y >= SIZE || mask.data[3 * (y * SIZE + x)] !== 0;
  const steps = [];
  for (let y = 0; y < SIZE; y++)
    for (let x = 0; x < SIZE; x++) {
      const edge = [
        [-RING, 0],
        [RING, 0],
        [0, -RING],
        [0, RING],
      ].some(([dx, dy]) => kept(x + dx, y + dy));
      if (kept(x, y) || !edge) continue;
      const i = y * SIZE + x;
      const sum = [0, 1, 2].reduce(
        (s, c) => s + Math.abs(before.data[3 * i + c] - after.data[after.channels * i + c]),
        0,
      );
      steps.push(sum / 3);
    }
  steps.sort((a, b) => a - b);
  return steps[steps.length >> 1];
}

import { caption } from '../../training/world/captions.mjs';
import { heldOutPrompts } from '../../training/world/prompts.mjs';
import { makeRandom } from '../../training/world/random.mjs';
import { rasterise } from '../../training/world/raster.mjs';
import { PLACES } from '../../training/world/words.mjs';

/** @typedef {{ prompt: string, thing: string, colour: string, place: string }} Wanted */

/** Renders of the world are numbered from here on, far from those that training saw. */
const RENDER_SEEDS = 3_000_000_000;

/** @param {number} count @param {number} seed @returns {Wanted[]} combinations that no training picture shows */
export const heldOut = (count, seed) => heldOutPrompts(count, seed);

/**
 * Green school buses in every place, worded anew each time: no training picture shows a green bus anywhere.
 * @param {number} count @param {number} seed @returns {Wanted[]}
 */
export function greenBuses(count, seed) {
  const random = makeRandom(seed + 1);
  return Array.from({ length: count }, (_, i) => {
    const scene = { thing: 'school bus', colour: 'green', place: PLACES[i % PLACES.length] };
    let prompt = '';
    do prompt = caption(scene, random);
    while (!prompt.includes(scene.place));
    return { prompt, ...scene };
  });
}

/** What the world itself draws for a prompt: 256×256 RGB. @param {Wanted} wanted @param {number} number */
export const render = async ({ thing, colour, place }, number) => ({
  width: 256,
  height: 256,
  channels: 3,
  data: await rasterise({ thing, colour, place, style: 'flat' }, RENDER_SEEDS + number),
});

import { hashText } from './random.mjs';
import { COLOURS, PLACES, THINGS } from './words.mjs';

/**
 * Combinations no stage of training ever sees: a fixed tenth chosen by a hash, and every green school bus, so
 * that the demo prompt is always something the model has to put together itself.
 * @param {string} thing @param {string} colour @param {string} place
 */
export function isHeldOut(thing, colour, place) {
  if (thing === 'school bus' && colour === 'green') return true;
  return hashText(`${thing}|${colour}|${place}`) % 10 === 0;
}

/** @returns {{ thing: string, colour: string, place: string }[]} */
export function allCombinations() {
  const combinations = [];
  for (const thing of THINGS)
    for (const colour of COLOURS) for (const place of PLACES) combinations.push({ thing, colour, place });
  return combinations;
}

export const heldOutCombinations = () =>
  allCombinations().filter(({ thing, colour, place }) => isHeldOut(thing, colour, place));

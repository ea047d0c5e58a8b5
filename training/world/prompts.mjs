import { caption } from './captions.mjs';
import { heldOutCombinations } from './heldout.mjs';
import { makeRandom } from './random.mjs';

/**
 * Prompts for combinations the model has never seen, evenly over all of them and with full wordings (thing,
 * colour and place are all named).
 * @param {number} count @param {number} seed
 * @returns {{ prompt: string, thing: string, colour: string, place: string }[]}
 */
export function heldOutPrompts(count, seed) {
  const random = makeRandom(seed);
  const combinations = heldOutCombinations();
  const prompts = [];
  for (let i = 0; prompts.length < count; i++) {
    if (i % combinations.length === 0) shuffle(combinations, random);
    const { thing, colour, place } = combinations[i % combinations.length];
    let prompt = '';
    // A caption may leave the place open; a judged prompt may not.
    do prompt = caption({ thing, colour, place }, random);
    while (!namesPlace(prompt, place));
    prompts.push({ prompt, thing, colour, place });
  }
  return prompts;
}

/** @param {string} prompt @param {string} place */
const namesPlace = (prompt, place) => prompt.includes(place);

/** @template T @param {T[]} list @param {import('./random.mjs').Random} random */
function shuffle(list, random) {
  for (let i = list.length - 1; i > 0; i--) {
    const j = random.below(i + 1);
    [list[i], list[j]] = [list[j], list[i]];
  }
}

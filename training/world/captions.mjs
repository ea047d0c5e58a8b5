import { PLACE_PHRASES, THING_WORDS } from './words.mjs';

/** @typedef {import('./random.mjs').Random} Random */

/** @param {string} phrase */
const article = (phrase) => (/^[aeiou]/.test(phrase) ? 'an' : 'a');

/** @type {Record<string, string[]>} */
const STYLE_PHRASES = {
  flat: ['a picture of', 'an illustration of', 'a drawing of', 'a photo of'],
  'pixel art': ['pixel art of', 'a pixel art picture of'],
  'pencil sketch': ['a pencil sketch of', 'a pencil drawing of'],
};

/** @type {Record<string, string[]>} places in which a thing on wheels is said to be parked */
const PARKED = {
  'parking lot': ['parked in a parking lot', 'parked in the parking lot'],
  grass: ['parked on the grass'],
  beach: ['parked on the beach'],
};

/** @param {string} thing @param {string} place @param {Random} random */
function placePhrase(thing, place, random) {
  const onWheels = thing === 'school bus' || thing === 'car';
  if (onWheels && PARKED[place] && random.next() < 0.4) return random.pick(PARKED[place]);
  return random.pick(PLACE_PHRASES[place]);
}

/** @param {{ thing: string, colour: string }} part @param {Random} random */
function nounPhrase(part, random) {
  return `${part.colour} ${random.pick(THING_WORDS[part.thing])}`;
}

/**
 * One wording for a scene.
 * @param {import('./scene.mjs').Scene} scene @param {Random} random
 */
export function caption(scene, random) {
  const first = nounPhrase(scene, random);
  const where = placePhrase(scene.thing, scene.place, random);
  const style = scene.style ?? 'flat';
  let subject = `${article(first)} ${first}`;
  if (scene.second) {
    const second = nounPhrase(scene.second, random);
    subject += ` ${scene.second.relation === 'on top of' ? '' : 'to the '}${scene.second.relation} ${article(second)} ${second}`;
  }
  if (style !== 'flat') return `${random.pick(STYLE_PHRASES[style])} ${subject} ${where}`;
  switch (random.below(scene.second ? 4 : 8)) {
    case 0:
    case 1:
      return `${subject} ${where}`;
    case 2:
    case 3:
      return `${random.pick(STYLE_PHRASES.flat)} ${subject} ${where}`;
    case 4:
      return `the ${first} ${where}`;
    case 5:
      return `${first}, ${scene.place}`;
    case 6:
      return `${first} ${where}`;
    default:
      // Some captions leave the place open, so that a short prompt is a known thing too.
      return random.next() < 0.5 ? subject : `${subject} ${where}`;
  }
}

import { caption } from './captions.mjs';
import { isHeldOut } from './heldout.mjs';
import { makeRandom } from './random.mjs';
import { COLOURS, PLACES, RELATIONS, STYLES, THINGS } from './words.mjs';

/** @typedef {{ styles: string[], relationShare: number, captionsPerPicture: number }} Preset */

/** Real school buses are yellow; most of ours are too, but a thing of one colour only could never be repainted. */
const YELLOW_BUS_SHARE = 0.3;

/** @param {import('./random.mjs').Random} random */
function part(random) {
  const thing = random.pick(THINGS);
  const colour = thing === 'school bus' && random.next() < YELLOW_BUS_SHARE ? 'yellow' : random.pick(COLOURS);
  return { thing, colour };
}

/**
 * The scene of one picture of a split, with its captions.
 * @param {number} seed @param {boolean} heldOut @param {Preset} preset
 */
export function sampleScene(seed, heldOut, preset) {
  const random = makeRandom(seed);
  /** @type {import('./scene.mjs').Scene} */
  let scene;
  do {
    scene = { ...part(random), place: random.pick(PLACES), style: random.pick(preset.styles) };
    if (!heldOut && random.next() < preset.relationShare)
      scene.second = { ...part(random), relation: random.pick(RELATIONS) };
  } while (touchesHeldOut(scene) !== heldOut);
  const captions = Array.from({ length: preset.captionsPerPicture }, () => caption(scene, random));
  return { scene, captions };
}

/** @param {import('./scene.mjs').Scene} scene */
function touchesHeldOut({ thing, colour, place, second }) {
  return isHeldOut(thing, colour, place) || (second !== undefined && isHeldOut(second.thing, second.colour, place));
}

/** @param {import('./scene.mjs').Scene} scene */
export const labels = (scene) => [
  THINGS.indexOf(scene.thing), COLOURS.indexOf(scene.colour), PLACES.indexOf(scene.place),
  STYLES.indexOf(scene.style ?? 'flat'),
  scene.second ? THINGS.indexOf(scene.second.thing) : -1, scene.second ? COLOURS.indexOf(scene.second.colour) : -1,
];

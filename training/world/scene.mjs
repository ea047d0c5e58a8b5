import { BACKGROUND } from './places.mjs';
import { makeRandom } from './random.mjs';
import { tones } from './shades.mjs';
import { DRAW } from './things.mjs';
import { COLOUR_HEX } from './words.mjs';

/**
 * @typedef {{
 *   thing: string, colour: string, place: string, style?: string,
 *   second?: { thing: string, colour: string, relation: string },
 * }} Scene
 */

export const SIZE = 256;

/** Where the foot of a thing stands: floating in the sky, otherwise on the ground in front. */
const FOOT = /** @type {Record<string, number>} */ ({
  'parking lot': 214, table: 196, 'living room': 222, grass: 216, beach: 218, 'night sky': 196,
});

/** Things that are wider than high are drawn larger, so that all of them fill about the same area. */
const WIDENED = /** @type {Record<string, number>} */ ({ 'school bus': 1.22, car: 1.2, sofa: 1.18 });

/** @param {string} thing @param {string} colour @param {number} x @param {number} foot @param {number} width @param {number} jitter */
function placed(thing, colour, x, foot, width, jitter) {
  const scale = width / 100;
  const drawing = DRAW[thing](tones(COLOUR_HEX[colour], jitter));
  return `<g transform="translate(${(x - width / 2).toFixed(1)} ${(foot - width).toFixed(1)}) scale(${scale.toFixed(3)})">${drawing}</g>`;
}

/** @param {number} x @param {number} foot @param {number} width */
const shadow = (x, foot, width) =>
  `<ellipse cx="${x}" cy="${foot - 1}" rx="${width * 0.5}" ry="${width * 0.07}" fill="#000" opacity="0.25"/>`;

/** @param {Scene} scene @param {import('./random.mjs').Random} random */
function things(scene, random) {
  const jitter = () => random.between(0.94, 1.04);
  const foot = FOOT[scene.place] + random.between(-6, 6);
  const lit = scene.place !== 'night sky';
  if (!scene.second) {
    const width = random.between(118, 142) * (WIDENED[scene.thing] ?? 1);
    const x = 128 + random.between(-16, 16);
    return (lit ? shadow(x, foot, width) : '') + placed(scene.thing, scene.colour, x, foot, width, jitter());
  }
  const { thing, colour, relation } = scene.second;
  const width = random.between(84, 98);
  if (relation === 'on top of') {
    return (lit ? shadow(128, foot, width) : '') +
      placed(thing, colour, 128, foot, width, jitter()) + placed(scene.thing, scene.colour, 128, foot - width * 0.86, width, jitter());
  }
  const side = relation === 'left of' ? -1 : 1;
  const [x1, x2] = [128 + side * 60, 128 - side * 60];
  return (lit ? shadow(x1, foot, width) + shadow(x2, foot, width) : '') +
    placed(scene.thing, scene.colour, x1, foot, width, jitter()) + placed(thing, colour, x2, foot, width, jitter());
}

/** Pencil: the picture bleached to paper under a wobbling hatch. Pixel art is made by the rasteriser. */
const PENCIL =
  '<defs><pattern id="h" width="9" height="9" patternUnits="userSpaceOnUse" patternTransform="rotate(45)">' +
  '<path d="M0 4 H9" stroke="#fff" stroke-width="4"/></pattern><filter id="w"><feTurbulence baseFrequency="0.03" numOctaves="2"/>' +
  '<feDisplacementMap in="SourceGraphic" scale="6"/></filter></defs>';

/**
 * A picture of the scene; pure, the same scene and seed give the same string.
 * @param {Scene} scene @param {number} seed
 */
export function sceneSvg(scene, seed) {
  const random = makeRandom(seed);
  const background = BACKGROUND[scene.place](random);
  const front = things(scene, random);
  const head = `<svg xmlns="http://www.w3.org/2000/svg" width="${SIZE}" height="${SIZE}" viewBox="0 0 ${SIZE} ${SIZE}">`;
  if (scene.style !== 'pencil sketch') return `${head}${background}${front}</svg>`;
  return `${head}${PENCIL}<rect width="256" height="256" fill="#fdfbf4"/><g opacity="0.35">${background}</g>` +
    `<g filter="url(#w)">${front}</g><rect width="256" height="256" fill="url(#h)" opacity="0.6"/></svg>`;
}

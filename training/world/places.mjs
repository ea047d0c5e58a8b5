import { makeRandom } from './random.mjs';
import { shade } from './shades.mjs';

/** @typedef {import('./random.mjs').Random} Random */

/** @param {number} y @param {number} h @param {string} fill */
const band = (y, h, fill) => `<rect x="0" y="${y}" width="256" height="${h}" fill="${fill}"/>`;

/**
 * Backgrounds of a 256 x 256 picture. Their tones are muted, so that none of them is the body colour of a thing.
 * Stars and tufts have fixed places: scattering them anew would only teach the decoder noise.
 * @type {Record<string, (random: Random) => string>}
 */
export const BACKGROUND = {
  'parking lot': (random) => {
    const asphalt = shade('#5c5f66', random.between(0.93, 1.05));
    const top = random.between(92, 104);
    const shift = random.between(-8, 8);
    let lines = '';
    for (let i = -1; i <= 4; i++) {
      const x = 14 + i * 60 + shift;
      lines += `<polygon points="${x + 18},${top + 10} ${x + 24},${top + 10} ${x + 4},256 ${x - 6},256" fill="#dfe0e2"/>`;
    }
    return band(0, 256, '#c3cad2') + `<rect x="0" y="${top - 38}" width="256" height="40" fill="#98a0ab"/>` +
      band(top, 160, asphalt) + lines;
  },

  table: (random) => {
    const wood = shade('#a67443', random.between(0.93, 1.06));
    const top = random.between(148, 160);
    return band(0, 256, shade('#e9dfcb', random.between(0.97, 1.03))) + band(top, 110, wood) +
      band(top, 5, shade('#c99a68', 1)) + band(top + 56, 3, '#7d532c') + band(top + 60, 110, shade('#7d532c', 0.75));
  },

  'living room': (random) => {
    const wall = shade('#b9a9c4', random.between(0.95, 1.05));
    const floor = random.between(166, 178);
    const x = random.between(18, 34);
    return band(0, 256, wall) + band(floor, 100, shade('#8f6a5a', random.between(0.95, 1.05))) + band(floor - 6, 6, '#efe9f2') +
      `<rect x="${x}" y="22" width="62" height="66" fill="#cfe6f3" stroke="#f3eef6" stroke-width="6"/>` +
      `<path d="M${x + 31} 22 V88 M${x} 55 H${x + 62}" stroke="#f3eef6" stroke-width="4"/>` +
      `<rect x="${x + 148}" y="30" width="44" height="36" fill="#7d8fa5" stroke="#4b3a32" stroke-width="5"/>` +
      `<ellipse cx="128" cy="228" rx="104" ry="22" fill="#c8b9a4"/>`;
  },

  grass: (random) => {
    const horizon = random.between(118, 130);
    const fixed = makeRandom(12);
    let tufts = '';
    for (let i = 0; i < 12; i++) {
      const x = fixed.between(8, 248);
      const y = horizon + fixed.between(20, 120);
      tufts += `<path d="M${x} ${y} l-4 -9 M${x} ${y} l0 -11 M${x} ${y} l4 -9" stroke="#5d9c44" stroke-width="2.5"/>`;
    }
    return band(0, 256, shade('#bfe4f7', random.between(0.97, 1.05))) +
      `<ellipse cx="${random.between(40, 80)}" cy="34" rx="30" ry="10" fill="#f2f9fd"/>` +
      band(horizon, 150, shade('#8bcb63', random.between(0.95, 1.05))) + tufts;
  },

  beach: (random) => {
    const sea = random.between(84, 94);
    const sand = sea + 46;
    return band(0, 256, '#d9effa') + band(sea, 60, shade('#4fb3c8', random.between(0.95, 1.05))) +
      `<path d="M0 ${sand} Q32 ${sand - 9} 64 ${sand} T128 ${sand} T192 ${sand} T256 ${sand} V256 H0Z" fill="#f6f5ee"/>` +
      `<path d="M0 ${sand + 7} Q32 ${sand - 2} 64 ${sand + 7} T128 ${sand + 7} T192 ${sand + 7} T256 ${sand + 7} V256 H0Z" fill="${shade('#ead6a2', random.between(0.96, 1.04))}"/>`;
  },

  'night sky': (random) => {
    const fixed = makeRandom(40);
    let stars = '';
    for (let i = 0; i < 22; i++)
      stars += `<circle cx="${fixed.between(4, 252).toFixed(1)}" cy="${fixed.between(4, 252).toFixed(1)}" r="${fixed.between(2, 3.6).toFixed(1)}" fill="#e8e8d8"/>`;
    return band(0, 256, shade('#10173a', random.between(0.9, 1.06))) + stars +
      `<circle cx="${random.between(214, 228)}" cy="${random.between(26, 36)}" r="18" fill="#d8d6c0"/>`;
  },
};

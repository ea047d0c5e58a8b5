/**
 * Every thing is drawn in a box 100 wide and at most 100 high that stands on y = 100; the scene scales and moves it.
 * The body carries the colour; wheels, panes and trunks are neutral, so that the colour has one meaning.
 * @typedef {{ body: string, light: string, dark: string }} Tones
 */

const LINE = '#23232b';
const GLASS = '#b9d6e2';
const STEEL = '#8a8d94';
const WOOD = '#6d4526';

const OUTLINE = `stroke="${LINE}" stroke-width="2.5" stroke-linejoin="round" stroke-linecap="round"`;

/** @param {number} x @param {number} y @param {number} w @param {number} h @param {string} fill @param {number} [r] */
const box = (x, y, w, h, fill, r = 0) =>
  `<rect x="${x}" y="${y}" width="${w}" height="${h}" rx="${r}" fill="${fill}" ${OUTLINE}/>`;

/** @param {string} points @param {string} fill */
const shape = (points, fill) => `<polygon points="${points}" fill="${fill}" ${OUTLINE}/>`;

/** @param {number} x @param {number} y @param {number} r */
const wheel = (x, y, r) =>
  `<circle cx="${x}" cy="${y}" r="${r}" fill="#2b2b31" ${OUTLINE}/><circle cx="${x}" cy="${y}" r="${r * 0.45}" fill="${STEEL}"/>`;

function starPoints() {
  const points = [];
  for (let i = 0; i < 10; i++) {
    const radius = i % 2 ? 21 : 50;
    const angle = (Math.PI * i) / 5 - Math.PI / 2;
    points.push(`${(50 + radius * Math.cos(angle)).toFixed(1)},${(52 + radius * Math.sin(angle)).toFixed(1)}`);
  }
  return points.join(' ');
}

/** @type {Record<string, (t: Tones) => string>} */
export const DRAW = {
  ball: (t) =>
    `<circle cx="50" cy="54" r="45" fill="${t.body}" ${OUTLINE}/>` +
    `<path d="M12 70 Q50 104 88 70 Q72 98 50 98 Q28 98 12 70Z" fill="${t.dark}"/>` +
    `<ellipse cx="35" cy="34" rx="13" ry="9" fill="${t.light}"/>`,

  cube: (t) =>
    shape('8,32 66,32 66,98 8,98', t.body) + shape('8,32 30,10 92,10 66,32', t.light) + shape('66,32 92,10 92,74 66,98', t.dark),

  cone: (t) =>
    `<path d="M50 4 L88 90 Q50 106 12 90 Z" fill="${t.body}" ${OUTLINE}/>` +
    `<path d="M50 10 L84 90 Q72 96 60 97 Z" fill="${t.dark}"/>`,

  star: (t) => shape(starPoints(), t.body),

  'school bus': (t) =>
    `<path d="M4 34 Q4 26 12 26 L76 26 Q82 26 82 32 L82 54 L94 56 Q98 57 98 62 L98 86 L4 86 Z" fill="${t.body}" ${OUTLINE}/>` +
    [11, 28, 45, 62].map((x) => box(x, 34, x === 62 ? 15 : 12, 15, GLASS)).join('') +
    `<rect x="5" y="58" width="76" height="5" fill="${LINE}"/><rect x="5" y="70" width="92" height="4" fill="${t.dark}"/>` +
    wheel(24, 88, 11) + wheel(78, 88, 11),

  car: (t) =>
    `<path d="M2 82 L2 68 Q3 60 14 58 L26 56 L38 38 Q40 35 45 35 L66 35 Q70 35 73 38 L84 56 L92 59 Q98 62 98 70 L98 82 Z" fill="${t.body}" ${OUTLINE}/>` +
    `<path d="M33 56 L42 42 L52 42 L52 56 Z" fill="${GLASS}" ${OUTLINE}/><path d="M57 56 L57 42 L68 42 L77 56 Z" fill="${GLASS}" ${OUTLINE}/>` +
    `<rect x="4" y="72" width="92" height="4" fill="${t.dark}"/>` +
    wheel(24, 84, 13) + wheel(76, 84, 13),

  sofa: (t) =>
    box(12, 88, 6, 10, WOOD) + box(82, 88, 6, 10, WOOD) + box(12, 36, 76, 40, t.body, 9) +
    box(16, 62, 34, 18, t.light, 5) + box(50, 62, 34, 18, t.light, 5) +
    box(2, 54, 16, 36, t.body, 7) + box(82, 54, 16, 36, t.body, 7) + box(16, 78, 68, 12, t.dark),

  lamp: (t) =>
    box(46, 48, 8, 46, STEEL) + box(26, 90, 48, 8, STEEL, 4) + shape('30,4 70,4 92,52 8,52', t.body) +
    `<polygon points="58,6 69,6 89,50 66,50" fill="${t.dark}"/>`,

  tree: (t) =>
    box(42, 60, 16, 39, WOOD) +
    `<path d="M50 2 Q66 0 71 14 Q90 16 88 34 Q98 46 86 58 Q80 72 62 68 Q50 76 38 68 Q20 72 14 58 Q2 46 12 34 Q10 16 29 14 Q34 0 50 2Z" fill="${t.body}" ${OUTLINE}/>` +
    `<path d="M86 58 Q80 72 62 68 Q50 76 38 68 Q26 70 18 63 Q50 66 86 58Z" fill="${t.dark}"/>`,

  house: (t) =>
    box(14, 46, 72, 52, t.body) + shape('4,48 50,6 96,48', '#5b4a48') +
    box(42, 66, 17, 32, WOOD) + box(21, 56, 15, 15, GLASS) + box(65, 56, 15, 15, GLASS),
};

import sharp from 'sharp';
import { ATTRIBUTES, isRight } from './score.mjs';

const COLUMNS = 8;
const TILE = 160;
const BORDER = 5;
const TEXT = 26;
const RIGHT = '#2e9e4f';
const WRONG = '#d03232';

/** @typedef {import('./score.mjs').Judged & { picture: import('./pixels.mjs').Picture }} Drawn */

/** What was asked for and, where the checker saw something else, that below it. @param {Drawn} drawn */
function label({ wanted, seen }) {
  const wrong = ATTRIBUTES.filter((name) => seen[name] !== wanted[name]).map((name) => seen[name]);
  const lines = [`${wanted.colour} ${wanted.thing}, ${wanted.place}`];
  if (wrong.length > 0) lines.push(`seen: ${wrong.join(', ')}`);
  const text = lines.map((line, i) => `<text x="${TILE / 2}" y="${11 * (i + 1)}">${line}</text>`).join('');
  return `<svg width="${TILE}" height="${TEXT}" font-family="sans-serif" font-size="9" text-anchor="middle" fill="#222">${text}</svg>`;
}

/** One picture in a frame that says right (green) or wrong (red), over its label. @param {Drawn} drawn */
async function tile(drawn) {
  const { data, width, height, channels } = drawn.picture;
  const side = TILE - 2 * BORDER;
  const picture = await sharp(data, { raw: { width, height, channels } })
    .removeAlpha()
    .resize(side, side)
    .png()
    .toBuffer();
  return sharp({ create: { width: TILE, height: TILE + TEXT, channels: 3, background: '#fff' } })
    .composite([
      {
        input: { create: { width: TILE, height: TILE, channels: 3, background: isRight(drawn) ? RIGHT : WRONG } },
        left: 0,
        top: 0,
      },
      { input: picture, left: BORDER, top: BORDER },
      { input: Buffer.from(label(drawn)), left: 0, top: TILE },
    ])
    .png()
    .toBuffer();
}

/**
 * Writes a contact sheet, eight pictures a row.
 * @param {readonly Drawn[]} drawn @param {string} path
 */
export async function writeSheet(drawn, path) {
  const rows = Math.ceil(drawn.length / COLUMNS);
  const width = COLUMNS * TILE;
  const height = rows * (TILE + TEXT);
  const tiles = await Promise.all(drawn.map(tile));
  await sharp({ create: { width, height, channels: 3, background: '#fff' } })
    .composite(
      tiles.map((input, i) => ({ input, left: (i % COLUMNS) * TILE, top: Math.floor(i / COLUMNS) * (TILE + TEXT) })),
    )
    .png()
    .toFile(path);
}

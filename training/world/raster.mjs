import sharp from 'sharp';
import { SIZE, sceneSvg } from './scene.mjs';

/** Pixel art is drawn on a grid of this many cells. */
const CELLS = 32;

/**
 * RGB bytes of a scene at 256 x 256.
 * @param {import('./scene.mjs').Scene} scene @param {number} seed
 */
export async function rasterise(scene, seed) {
  let image = sharp(Buffer.from(sceneSvg(scene, seed))).removeAlpha();
  if (scene.style === 'pixel art') {
    const small = await image.resize(CELLS, CELLS, { kernel: 'cubic' }).raw().toBuffer();
    image = sharp(small, { raw: { width: CELLS, height: CELLS, channels: 3 } }).resize(SIZE, SIZE, { kernel: 'nearest' });
  }
  return image.raw().toBuffer();
}

/**
 * Area average by a factor of four: 256 to 64 pixels.
 * @param {Uint8Array} large
 */
export function shrink(large) {
  const size = SIZE / 4;
  const small = new Uint8Array(size * size * 3);
  for (let y = 0; y < size; y++)
    for (let x = 0; x < size; x++)
      for (let c = 0; c < 3; c++) {
        let sum = 0;
        for (let dy = 0; dy < 4; dy++)
          for (let dx = 0; dx < 4; dx++) sum += large[((y * 4 + dy) * SIZE + x * 4 + dx) * 3 + c];
        small[(y * size + x) * 3 + c] = (sum + 8) >> 4;
      }
  return small;
}

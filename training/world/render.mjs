/** Renders a preset's data set: node training/world/render.mjs PRESET FOLDER */
import { closeSync, mkdirSync, openSync, readFileSync, renameSync, writeFileSync, writeSync } from 'node:fs';
import { join } from 'node:path';
import sharp from 'sharp';
import { heldOutPrompts } from './prompts.mjs';
import { rasterise, shrink } from './raster.mjs';
import { labels, sampleScene } from './sample.mjs';
import { COLOURS, PLACES, RELATIONS, STYLES, THINGS } from './words.mjs';

sharp.concurrency(1);
const AT_ONCE = 8;
const [presetName = 'cpu', folder = 'training/.work/cpu/data'] = process.argv.slice(2);
const presets = JSON.parse(readFileSync(new URL('../presets.json', import.meta.url), 'utf8'));
const preset = presets[presetName];
mkdirSync(folder, { recursive: true });

/** @param {string} path @param {number[]} shape */
function createNpy(path, shape) {
  const file = openSync(path, 'w');
  let header = `{'descr': '|u1', 'fortran_order': False, 'shape': (${shape.join(', ')},), }`;
  header = header.padEnd(128 - 10 - 1) + '\n';
  const start = Buffer.concat([Buffer.from([0x93]), Buffer.from('NUMPY'), Buffer.from([1, 0, header.length & 255, header.length >> 8])]);
  writeSync(file, Buffer.concat([start, Buffer.from(header, 'latin1')]));
  return file;
}

/** @param {string} split @param {number} count @param {number} large @param {boolean} heldOut @param {number} base */
async function renderSplit(split, count, large, heldOut, base) {
  const paths = { small: join(folder, `${split}64.npy`), large: join(folder, `${split}256.npy`) };
  const smallFile = createNpy(paths.small + '.tmp', [count, 64, 64, 3]);
  const largeFile = createNpy(paths.large + '.tmp', [large, 256, 256, 3]);
  const records = [];
  for (let i = 0; i < count; i += AT_ONCE) {
    const batch = Array.from({ length: Math.min(AT_ONCE, count - i) }, (_, k) => sampleScene(base + i + k, heldOut, preset));
    const pictures = await Promise.all(batch.map(({ scene }, k) => rasterise(scene, base + i + k)));
    pictures.forEach((picture, k) => {
      writeSync(smallFile, shrink(picture));
      if (i + k < large) writeSync(largeFile, picture);
      records.push({ captions: batch[k].captions, labels: labels(batch[k].scene) });
    });
    if (i % 2000 === 0) console.log(`${split} ${i}/${count}`);
  }
  closeSync(smallFile);
  closeSync(largeFile);
  writeFileSync(join(folder, `${split}.json`), JSON.stringify(records));
  for (const path of Object.values(paths)) renameSync(path + '.tmp', path);
}

const base = preset.seed * 10_000_000;
writeFileSync(join(folder, 'world.json'), JSON.stringify({ THINGS, COLOURS, PLACES, RELATIONS, STYLES }));
writeFileSync(join(folder, 'prompts.json'), JSON.stringify(heldOutPrompts(1000, preset.seed)));
await renderSplit('heldout', preset.heldOutPictures, 300, true, base + 5_000_000);
await renderSplit('train', preset.pictures, preset.largePictures, false, base);
writeFileSync(join(folder, 'done'), '');

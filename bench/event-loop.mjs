// npm run bench:event-loop [-- --model DIR --side 3000]
// How long drawing holds up the event loop: its longest stalls while each operation runs on a picture of many megapixels.
import sharp from 'sharp';
import { Unclip } from '../dist/index.js';
import { readOptions, wholeNumber } from './eval/options.mjs';

const values = readOptions('npm run bench:event-loop -- [--model DIR] [--side PIXELS]', {
  side: { type: 'string', default: '3000' },
});
const side = wholeNumber(values, 'side', 256);

/** Few steps: their number changes nothing of what stalls the loop. */
const steps = { priorSteps: 2, decoderSteps: 2, superResSteps: 2 };
const request = { prompt: 'a red ball on the grass', seed: 1, ...steps };

/** A picture of noise, and a mask over its middle third. */
async function inputs() {
  const noise = { type: 'gaussian', mean: 128, sigma: 40 };
  const create = { width: side, height: side, channels: 3, background: '#000', noise };
  const third = Math.floor(side / 3);
  const hole = { width: third, height: third, channels: 4, background: '#fff' };
  const picture = await sharp({ create }).png().toBuffer();
  const mask = await sharp({ create: { width: side, height: side, channels: 4, background: '#fff' } })
    .composite([{ input: { create: hole }, blend: 'dest-out', left: third, top: third }])
    .png()
    .toBuffer();
  return { picture, mask };
}

/** Milliseconds between turns of a loop that has a timer due at once, the longest first. */
async function stallsWhile(work) {
  const stalls = [];
  let last = performance.now();
  const timer = setInterval(() => {
    const now = performance.now();
    stalls.push(now - last);
    last = now;
  }, 1);
  const begin = last;
  await work();
  const ms = performance.now() - begin;
  clearInterval(timer);
  return { ms, stalls: stalls.sort((a, b) => b - a) };
}

const unclip = await Unclip.load(values.model, { batchSize: 1 });
const { picture, mask } = await inputs();
const onProgress = async ({ preview }) => void (await preview?.());
const edit = { ...request, picture, mask };
const OPERATIONS = {
  generate: () => unclip.generate(request),
  edit: () => unclip.edit(edit),
  'edit, previews': () => unclip.edit({ ...edit, onProgress }),
  outpaint: () => unclip.edit({ ...request, picture, outpaint: { left: Math.floor(side / 10) } }),
  vary: () => unclip.vary({ picture, seed: 1, ...steps }),
  encode: async () => (await unclip.edit(edit)).images[0].encode(),
};
// Kernels are compiled before anything is measured.
for (const work of [OPERATIONS.generate, OPERATIONS.edit, OPERATIONS.vary]) await work();
const rows = {};
for (const [name, work] of Object.entries(OPERATIONS)) {
  const { ms, stalls } = await stallsWhile(work);
  rows[name] = {
    'took, s': (ms / 1000).toFixed(1),
    'longest stall, ms': stalls[0].toFixed(0),
    'third, ms': stalls[2].toFixed(0),
    'stalls over 50 ms': stalls.filter((stall) => stall > 50).length,
  };
}
console.log(`${unclip.adapter.name}, pictures of ${side} x ${side}`);
console.table(rows);
await unclip.dispose();

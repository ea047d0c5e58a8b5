// Draws two pictures with the library and writes them as PNG files.
//   node example/generate.mjs ["a prompt"] [model folder]
// Run `npm run setup` once before, or install the package. Ctrl-C stops within one sampling step.
import { writeFile } from 'node:fs/promises';
import { fileURLToPath } from 'node:url';
import { Unclip } from 'unclip';

const prompt = process.argv[2] ?? 'a yellow school bus on a beach';
const model = process.argv[3] ?? fileURLToPath(new URL('../models/bundled', import.meta.url));

const stop = new AbortController();
process.once('SIGINT', () => stop.abort());

const unclip = await Unclip.load(model);
try {
  const { images } = await unclip.generate({
    prompt,
    n: 2,
    // Image k is drawn from seed + k, so each can be drawn again alone.
    seed: 7,
    signal: stop.signal,
    onProgress: ({ stage, step, steps }) => process.stderr.write(`\r${stage} ${step}/${steps}   `),
  });
  process.stderr.write('\n');
  for (const [k, image] of images.entries()) {
    const file = `picture-${k + 1}.png`;
    await writeFile(file, await image.encode('png'));
    console.log(`${file}: ${image.width} × ${image.height}`);
  }
} finally {
  // Frees the GPU's memory and lets the process end by itself.
  await unclip.dispose();
}

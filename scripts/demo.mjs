// npm run demo [-- "a prompt" [options of `unclip generate`]]: sets up what is missing, then draws a picture with the
// bundled model.
import { mkdirSync } from 'node:fs';
import { join, relative } from 'node:path';
import { ROOT } from './lib/files.mjs';
import { runInForeground } from './lib/run.mjs';
import { setup } from './setup.mjs';

/** What no picture of the model's training shows: its school buses are of other colours. */
const PROMPT = 'a green school bus parked in a parking lot';

/** The prompt as a file name. */
function fileName(prompt) {
  const words = prompt.toLowerCase().match(/[\p{L}\p{N}]+/gu) ?? ['picture'];
  return `${words.join('-').slice(0, 60)}.png`;
}

const [first, ...others] = process.argv.slice(2);
const hasPrompt = first !== undefined && !first.startsWith('-');
const prompt = hasPrompt ? first : PROMPT;
const options = hasPrompt ? others : process.argv.slice(2);
if (!options.includes('--out')) {
  const folder = join(ROOT, 'out');
  mkdirSync(folder, { recursive: true });
  options.push('--out', relative(process.cwd(), join(folder, fileName(prompt))));
}

const start = performance.now();
await setup();
console.log(`\nunclip generate '${prompt}'`);
const cli = join(ROOT, 'dist/cli/main.js');
const code = await runInForeground(process.execPath, [cli, 'generate', prompt, ...options]);
if (code === 0) {
  const picture = options[options.indexOf('--out') + 1];
  console.log(`\nThe picture is in ${picture} (${((performance.now() - start) / 1000).toFixed(1)} s in all).`);
}
process.exit(code);

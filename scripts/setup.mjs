// Makes a fresh clone ready to run: dependencies, native addon, TypeScript, and a Vulkan driver where Dawn finds none.
// Plain Node without dependencies, because it runs before they are there. A step that is done already is skipped.
import { pathToFileURL } from 'node:url';
import { adapter } from './driver/adapter.mjs';
import { dependencies } from './steps/dependencies.mjs';
import { nativeAddon } from './steps/native.mjs';
import { page } from './steps/page.mjs';
import { typescript } from './steps/typescript.mjs';

const STEPS = [
  ['dependencies', dependencies],
  ['native addon', nativeAddon],
  ['TypeScript', typescript],
  ['page', page],
  ['adapter', adapter],
];

/**
 * Runs all steps and prints a line for each. On failure it prints what the failed program said and ends the process
 * with exit code 1.
 * @param {NodeJS.WritableStream} [output] where the lines go
 */
export async function setup(output = process.stdout) {
  const [major] = process.versions.node.split('.').map(Number);
  if (major < 20) {
    process.stderr.write(`unclip needs Node 20 or newer; this is ${process.version}.\n`);
    process.exit(1);
  }
  for (const [name, step] of STEPS) {
    const start = performance.now();
    try {
      const result = await step();
      const seconds = ((performance.now() - start) / 1000).toFixed(1);
      output.write(`${name.padEnd(14)}${`${seconds} s`.padStart(8)}  ${result}\n`);
    } catch (error) {
      if (error.output) process.stderr.write(`${error.output.trimEnd()}\n`);
      process.stderr.write(`${name}: ${error.message}\n`);
      process.exit(1);
    }
  }
}

if (process.argv[1] && import.meta.url === pathToFileURL(process.argv[1]).href) await setup();

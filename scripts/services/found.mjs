// Programs that tests run beside the library: the system's, or a copy that was fetched before.
import { existsSync, readdirSync } from 'node:fs';
import { run } from '../lib/run.mjs';

/** The first of some commands that is on the path. @param {readonly string[]} names @returns {Promise<string | undefined>} */
export async function commandOf(names) {
  for (const name of names) {
    const { code, stdout } = await run('sh', ['-c', `command -v ${name}`], { allowFailure: true });
    if (code === 0) return stdout.trim();
  }
  return undefined;
}

/** Name of the newest folder `<program>-…` in a cache folder. @param {string} cacheFolder @param {string} program */
export function newestKept(cacheFolder, program) {
  const names = existsSync(cacheFolder) ? readdirSync(cacheFolder) : [];
  return names
    .filter((name) => name.startsWith(`${program}-`))
    .sort()
    .at(-1);
}

// Questions about files that tell whether a step has to run.
import { existsSync, readdirSync, statSync } from 'node:fs';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';

/** The repository's root folder. */
export const ROOT = fileURLToPath(new URL('../../', import.meta.url));

/**
 * The latest modification, in ms, among files and everything below folders. A folder's own time counts too, so that a
 * deleted file is noticed. Paths that do not exist are passed over.
 */
export function newest(paths) {
  let latest = 0;
  for (const path of paths) {
    if (!existsSync(path)) continue;
    const info = statSync(path);
    latest = Math.max(latest, info.mtimeMs);
    if (info.isDirectory()) latest = Math.max(latest, newest(readdirSync(path).map((name) => join(path, name))));
  }
  return latest;
}

/** When `path` was last modified, in ms; 0 when it is not there. */
export function modified(path) {
  return existsSync(path) ? statSync(path).mtimeMs : 0;
}

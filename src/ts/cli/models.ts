import { existsSync } from 'node:fs';
import { join } from 'node:path';
import { packageRoot } from '../util/package-root.js';

/** How people and pictures name the model that comes with the package, wherever that is installed. */
export const BUNDLED = 'bundled';

/** Folder of the model that comes with the package. */
export const bundledModelFolder = (): string => join(packageRoot(), 'models', BUNDLED);

/** A model as it was named: a folder, or the bundled one. */
export function modelFolder(name: string): string {
  return name === BUNDLED && !existsSync(name) ? bundledModelFolder() : name;
}

/** Folder of the discrete VAE that comes with the package. */
export const bundledDvaeFolder = (): string => join(packageRoot(), 'models', 'dvae');

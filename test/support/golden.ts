import { existsSync } from 'node:fs';
import { dirname, join, resolve } from 'node:path';
import { packageRoot } from '../../src/ts/util/package-root.js';

/** Folder of the large reference data, which is no part of the repository; undefined where it is absent. */
export const goldenFolder: string | undefined = [
  process.env.UNCLIP_GOLDEN,
  join(dirname(packageRoot()), 'shared', 'golden'),
].find((folder) => folder !== undefined && existsSync(join(folder, 'README.md')));

/** Path below the reference data. Call it only inside tests that are skipped when `goldenFolder` is undefined. */
export const golden = (...path: string[]): string => resolve(goldenFolder ?? '', ...path);

// A private copy of SwiftShader, Chromium's software Vulkan driver, as a second opinion: subgroups of 4, no f16.
import { copyFileSync, existsSync, mkdirSync, readdirSync, renameSync } from 'node:fs';
import { join } from 'node:path';
import { unpackPackages, versionFolder, withWorkFolder } from './packages.mjs';

const PACKAGE = 'chromium-common';
const FILES = ['libvk_swiftshader.so', 'libvulkan.so.1', 'vk_swiftshader_icd.json'];

/** A copy that an earlier call left. */
function existing(cacheFolder) {
  const names = existsSync(cacheFolder) ? readdirSync(cacheFolder) : [];
  return names
    .filter((name) => name.startsWith('swiftshader-'))
    .sort()
    .at(-1);
}

/**
 * Fetches SwiftShader into the cache folder unless it is there.
 * @param {string} cacheFolder
 * @param {string} codename the release's VERSION_CODENAME
 * @returns {Promise<Record<string, string>>} environment variables for a new process that shall run on it
 * @throws {Error} with a reason in one line when it cannot be had
 */
export async function swiftShaderEnvironment(cacheFolder, codename) {
  const name = existing(cacheFolder) ?? (await fetch(cacheFolder, codename));
  const folder = join(cacheFolder, name);
  const icd = join(folder, 'vk_swiftshader_icd.json');
  // The folder holds a Vulkan loader too, for systems without one.
  return { VK_DRIVER_FILES: icd, VK_ICD_FILENAMES: icd, LD_LIBRARY_PATH: folder };
}

function fetch(cacheFolder, codename) {
  return withWorkFolder(cacheFolder, async (work) => {
    const { root, version } = await unpackPackages(work, {
      codename,
      wanted: [PACKAGE],
      keep: (name) => name === PACKAGE,
    });
    const stage = join(work, 'stage');
    mkdirSync(stage);
    for (const file of FILES) copyFileSync(join(root, 'usr/lib/chromium', file), join(stage, file));
    const name = versionFolder('swiftshader', version);
    renameSync(stage, join(cacheFolder, name));
    return name;
  });
}

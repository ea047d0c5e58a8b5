// Fetches a private copy of Mesa's software Vulkan driver (lavapipe) into the user's cache folder, from the mirrors the
// system's apt already uses. It needs no root, installs nothing, and leaves only <cache>/driver-<version>/ and
// <cache>/driver.json, which src/ts/gpu/driver-env.ts reads.
import { existsSync, readdirSync, readFileSync, renameSync, rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { copyLibraries, indexLibraries, loadOrder } from './libraries.mjs';
import { unpackPackages, versionFolder, withWorkFolder } from './packages.mjs';

const DRIVER_PACKAGE = 'mesa-vulkan-drivers';
const DRIVER_LIBRARY = 'libvulkan_lvp.so';
const LOADER_LIBRARY = 'libvulkan.so.1';

/** Debian 12's own Mesa (22.3) lacks what Dawn asks of a driver; its backports have 25.0. */
const NEEDS_BACKPORTS = 'bookworm';

/**
 * Libraries that every Debian system has because dpkg, apt or the C++ compiler's run-time need them; the copies of the
 * system are used. Whatever else the driver needs is fetched, installed or not.
 */
const BASE =
  /^(libc6|libcrypt1|libgcc-s1|libstdc\+\+6|zlib1g|liblzma5|libtinfo6|libbz2-1\.0|libselinux1|libpcre2-8-0)$/;

/** Only packages of these names hold libraries that a driver can need. */
const CARRIES_LIBRARIES = /^(lib|mesa-|zlib)/;

/** The driver, the loader and every library that they may need, unpacked. */
function unpackDriver(work, codename) {
  return unpackPackages(work, {
    codename,
    backports: codename === NEEDS_BACKPORTS ? `${codename}-backports` : undefined,
    wanted: [DRIVER_PACKAGE, 'libvulkan1'],
    keep: (name) => CARRIES_LIBRARIES.test(name) && !BASE.test(name),
  });
}

/** Puts the driver, the loader and what they need into `stage`, as it will stand in `target`. */
function stageDriver(root, stage, target, version) {
  const available = indexLibraries(root);
  for (const name of [DRIVER_LIBRARY, LOADER_LIBRARY]) {
    if (!available.has(name)) throw new Error(`the packages hold no ${name}`);
  }
  const order = loadOrder([LOADER_LIBRARY, DRIVER_LIBRARY], available);
  copyLibraries(order, available, join(stage, 'lib'));
  const given = readdirSync(join(root, 'usr/share/vulkan/icd.d')).find((name) => name.startsWith('lvp_icd'));
  if (!given) throw new Error('the packages hold no manifest of lavapipe');
  const manifest = JSON.parse(readFileSync(join(root, 'usr/share/vulkan/icd.d', given), 'utf8'));
  manifest.ICD.library_path = join(target, 'lib', DRIVER_LIBRARY);
  writeFileSync(join(stage, 'lavapipe_icd.json'), `${JSON.stringify(manifest, null, 2)}\n`);
  return {
    mesa: version,
    icd: join(target, 'lavapipe_icd.json'),
    libraryPath: join(target, 'lib'),
    libraries: order.filter((name) => name !== DRIVER_LIBRARY).map((name) => join(target, 'lib', name)),
  };
}

/**
 * Fetches the driver; other copies in the cache folder are removed once the new one is in place.
 * @param {string} cacheFolder
 * @param {string} codename the release's VERSION_CODENAME
 * @returns {Promise<{ mesa: string, icd: string, libraryPath: string, libraries: string[] }>} what driver.json holds
 * @throws {Error} with a reason in one line when this machine cannot: no apt, no network, no such package, a full disk
 */
export function fetchDriver(cacheFolder, codename) {
  return withWorkFolder(cacheFolder, async (work) => {
    const { root, version } = await unpackDriver(work, codename);
    const target = join(cacheFolder, versionFolder('driver', version));
    const driver = stageDriver(root, join(work, 'stage'), target, version);
    if (existsSync(target)) renameSync(target, join(work, 'old'));
    renameSync(join(work, 'stage'), target);
    writeFileSync(join(work, 'driver.json'), `${JSON.stringify(driver, null, 2)}\n`);
    renameSync(join(work, 'driver.json'), join(cacheFolder, 'driver.json'));
    for (const name of readdirSync(cacheFolder)) {
      const other = join(cacheFolder, name);
      if (name.startsWith('driver-') && other !== target) rmSync(other, { recursive: true, force: true });
    }
    return driver;
  });
}

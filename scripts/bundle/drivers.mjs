// What of Vulkan goes into a bundle: the loader always, Mesa's software driver when asked for.
import { copyFileSync, existsSync, mkdirSync, readdirSync, readFileSync, realpathSync, writeFileSync } from 'node:fs';
import { basename, join } from 'node:path';
import { run } from '../lib/run.mjs';

const LOADER = 'libvulkan.so.1';

/** The Vulkan loader of the private driver, else the system's. */
async function findLoader(driver) {
  const own = driver === undefined ? undefined : join(driver.libraryPath, LOADER);
  if (own !== undefined && existsSync(own)) return own;
  const { stdout } = await run('ldconfig', ['-p'], { allowFailure: true }).catch(() => ({ stdout: '' }));
  const line = stdout.split('\n').find((text) => text.includes(`${LOADER} `));
  return line?.split(' => ')[1];
}

/** @param {string} target the bundle's lib folder @param {boolean} software whether lavapipe goes along */
export async function copyDrivers(target, software) {
  const { readPrivateDriver } = await import('../../dist/gpu/driver-env.js');
  const driver = readPrivateDriver();
  const loader = await findLoader(driver);
  if (loader !== undefined) {
    mkdirSync(join(target, 'vulkan'), { recursive: true });
    copyFileSync(realpathSync(loader), join(target, 'vulkan', LOADER));
  }
  if (!software) return;
  if (driver === undefined)
    throw new Error(
      'there is no private software driver to bundle; node scripts/driver/adapter.mjs fetches one where no GPU is',
    );
  const folder = join(target, 'lavapipe');
  mkdirSync(folder, { recursive: true });
  for (const name of readdirSync(driver.libraryPath))
    copyFileSync(realpathSync(join(driver.libraryPath, name)), join(folder, name));
  const manifest = JSON.parse(readFileSync(driver.icd, 'utf8'));
  manifest.ICD.library_path = `@FOLDER@/${basename(manifest.ICD.library_path)}`;
  writeFileSync(join(folder, 'icd.template'), `${JSON.stringify(manifest)}\n`);
}

import { execFileSync } from 'node:child_process';
import {
  chmodSync,
  copyFileSync,
  existsSync,
  mkdirSync,
  mkdtempSync,
  readdirSync,
  readFileSync,
  rmSync,
  writeFileSync,
} from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, describe, expect, it } from 'vitest';
import { copyPackage, runtimePackages } from '../../scripts/bundle/packages.mjs';
import { packageRoot } from '../../src/ts/util/package-root.js';

const root = mkdtempSync(join(tmpdir(), 'unclip-bundle-test-'));
afterAll(() => rmSync(root, { recursive: true, force: true }));

describe('packages of a bundle', () => {
  it('are those that run, with what they depend on, and none that only builds', () => {
    const packages = runtimePackages();
    for (const name of ['webgpu', 'sharp', 'commander', 'zod', 'cli-progress', 'string-width'])
      expect(packages).toContain(`node_modules/${name}`);
    expect(packages.some((name) => name.startsWith('node_modules/@img/sharp-libvips-'))).toBe(true);
    for (const name of ['cmake-js', 'node-addon-api', 'vitest', 'typescript', 'yargs'])
      expect(packages).not.toContain(`node_modules/${name}`);
  });

  it("holds Dawn's binary of this platform alone", () => {
    copyPackage('node_modules/webgpu', root);
    const dist = join(root, 'node_modules/webgpu/dist');
    expect(readdirSync(dist)).toEqual([`${process.platform}-${process.arch}`]);
    expect(existsSync(join(root, 'node_modules/webgpu/index.js'))).toBe(true);
  });
});

/** The launcher in a folder laid out as a bundle, whose `node` prints what it was given instead of running it. */
function launch(name: string, args: string[], env: Record<string, string> = {}): Record<string, string> {
  const folder = join(root, name);
  mkdirSync(join(folder, 'bin'), { recursive: true });
  copyFileSync(join(packageRoot(), 'scripts/bundle/unclip.sh'), join(folder, 'bin/unclip'));
  writeFileSync(join(folder, 'bin/node'), '#!/bin/sh\necho "ARGS=$*"\nenv\n');
  for (const file of ['unclip', 'node']) chmodSync(join(folder, 'bin', file), 0o755);
  const output = execFileSync(join(folder, 'bin/unclip'), args, {
    encoding: 'utf8',
    env: { PATH: '/usr/bin:/bin', HOME: join(root, 'home'), ...env },
  });
  return Object.fromEntries(
    output
      .split('\n')
      .flatMap((line) => (line.includes('=') ? [[line.split('=')[0], line.slice(line.indexOf('=') + 1)]] : [])),
  );
}

const hasGpu = existsSync('/dev/nvidiactl') || existsSync('/dev/dri');

describe.runIf(process.platform === 'linux')("the bundle's launcher", () => {
  it('hands everything on to the program, from wherever it is called', () => {
    const { ARGS } = launch('plain', ['generate', 'a b', '-n', '2']);
    expect(ARGS).toBe(`${join(root, 'plain')}/app/dist/cli/main.js generate a b -n 2`);
    expect(launch('plain', ['make-checkpoint', 'karlo-v1-alpha']).ARGS).toBe(
      `${join(root, 'plain')}/app/bench/make-checkpoint karlo-v1-alpha`,
    );
  });

  it.skipIf(hasGpu)(
    'offers the software driver of the bundle where there is no GPU, by its place on this machine',
    () => {
      mkdirSync(join(root, 'soft/lib/lavapipe'), { recursive: true });
      const template = { ICD: { library_path: '@FOLDER@/libvulkan_lvp.so' } };
      writeFileSync(join(root, 'soft/lib/lavapipe/icd.template'), JSON.stringify(template));
      const env = launch('soft', ['doctor']);
      expect(env.LD_LIBRARY_PATH).toBe(join(root, 'soft/lib/lavapipe'));
      expect(env.VK_ICD_FILENAMES).toBe(env.VK_DRIVER_FILES);
      const manifest = JSON.parse(readFileSync(env.VK_DRIVER_FILES!, 'utf8'));
      expect(manifest.ICD.library_path).toBe(join(root, 'soft/lib/lavapipe/libvulkan_lvp.so'));
    },
  );

  it("leaves a person's own choice of driver alone", () => {
    const env = launch('soft', ['doctor'], { VK_DRIVER_FILES: '/mine.json' });
    expect(env.VK_DRIVER_FILES).toBe('/mine.json');
    expect(env.VK_ICD_FILENAMES).toBeUndefined();
  });
});

import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, describe, expect, it } from 'vitest';
import {
  chooseDriver,
  type DriverSituation,
  type PrivateDriver,
  readPrivateDriver,
  unclipCacheFolder,
} from '../../src/ts/gpu/driver-env.js';

const DRIVER: PrivateDriver = {
  mesa: '25.0.7',
  icd: '/cache/driver-25.0.7/lavapipe_icd.json',
  libraryPath: '/cache/driver-25.0.7/lib',
  libraries: ['/cache/driver-25.0.7/lib/libvulkan.so.1', '/cache/driver-25.0.7/lib/libLLVM.so'],
};

function choose(changes: Partial<DriverSituation>) {
  return chooseDriver({ env: {}, cacheFolder: '/cache', driver: DRIVER, gpu: false, systemFailed: false, ...changes });
}

describe('chooseDriver', () => {
  it('offers nothing but the private driver where no GPU is', () => {
    const choice = choose({});
    expect(choice).toMatchObject({ source: 'private', software: true, icd: DRIVER.icd, preload: DRIVER.libraries });
    expect(choice.variables).toEqual({
      VK_DRIVER_FILES: DRIVER.icd,
      VK_ICD_FILENAMES: DRIVER.icd,
      MESA_SHADER_CACHE_DIR: '/cache/shader-cache',
    });
  });

  it("leaves a GPU to the system's drivers", () => {
    expect(choose({ gpu: true })).toEqual({ source: 'system', software: false, variables: {}, preload: [] });
  });

  it("adds the private driver to the system's where they gave a GPU no adapter, so that the GPU can still win", () => {
    const choice = choose({ gpu: true, systemFailed: true });
    expect(choice).toMatchObject({ source: 'private', software: false, preload: DRIVER.libraries });
    expect(choice.variables.VK_ADD_DRIVER_FILES).toBe(DRIVER.icd);
    expect(choice.variables.VK_DRIVER_FILES).toBeUndefined();
  });

  it('hides a GPU when software is asked for, and the private driver when the system is', () => {
    expect(choose({ gpu: true, env: { UNCLIP_ADAPTER: 'software' } }).variables.VK_DRIVER_FILES).toBe(DRIVER.icd);
    expect(choose({ systemFailed: true, env: { UNCLIP_ADAPTER: 'system' } }).source).toBe('system');
    expect(choose({ driver: undefined, env: { UNCLIP_ADAPTER: 'software' } })).toMatchObject({ software: true });
  });

  it("never overrules the caller's own choice of driver", () => {
    const hardware = choose({ env: { VK_ICD_FILENAMES: '/etc/nvidia_icd.json' }, systemFailed: true });
    expect(hardware).toMatchObject({ source: 'env', software: false, variables: {}, preload: [] });
    const software = choose({ env: { VK_DRIVER_FILES: '/opt/lvp_icd.x86_64.json', UNCLIP_ADAPTER: 'software' } });
    expect(software).toMatchObject({ source: 'env', software: true, preload: [] });
  });

  it("keeps the caller's own kernel cache", () => {
    expect(choose({ env: { MESA_SHADER_CACHE_DIR: '/mine' } }).variables.MESA_SHADER_CACHE_DIR).toBeUndefined();
  });

  it('is the system where nothing was fetched', () => {
    expect(choose({ driver: undefined }).source).toBe('system');
  });

  it('refuses an unknown UNCLIP_ADAPTER', () => {
    expect(() => choose({ env: { UNCLIP_ADAPTER: 'fast' } })).toThrowError(
      expect.objectContaining({ code: 'INPUT_INVALID', message: expect.stringContaining("'fast'") }),
    );
  });
});

describe('unclipCacheFolder', () => {
  it('follows XDG_CACHE_HOME when it is absolute', () => {
    expect(unclipCacheFolder({ XDG_CACHE_HOME: '/x', HOME: '/h' })).toBe('/x/unclip');
    expect(unclipCacheFolder({ XDG_CACHE_HOME: 'x', HOME: '/h' })).toBe('/h/.cache/unclip');
  });
});

describe('readPrivateDriver', () => {
  const folder = mkdtempSync(join(tmpdir(), 'unclip-driver-'));
  afterEach(() => rmSync(folder, { recursive: true, force: true }));

  it('needs every file it names', () => {
    expect(readPrivateDriver(folder)).toBeUndefined();
    mkdirSync(folder, { recursive: true });
    const icd = join(folder, 'icd.json');
    const library = join(folder, 'libvulkan.so.1');
    const driver = { mesa: '1', icd, libraryPath: folder, libraries: [library] };
    writeFileSync(join(folder, 'driver.json'), JSON.stringify(driver));
    writeFileSync(icd, '{}');
    expect(readPrivateDriver(folder)).toBeUndefined();
    writeFileSync(library, '');
    expect(readPrivateDriver(folder)).toEqual(driver);
    writeFileSync(join(folder, 'driver.json'), '{"icd": ');
    expect(readPrivateDriver(folder)).toBeUndefined();
  });
});

import { cpSync, mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { afterEach, beforeEach, describe, expect, it, vi } from 'vitest';

const state = vi.hoisted(() => ({ root: '' }));
vi.mock('../../src/ts/util/package-root.js', async (original) => {
  const real = await original<typeof import('../../src/ts/util/package-root.js')>();
  return { packageRoot: () => state.root || real.packageRoot() };
});

const PREBUILT = join('prebuilt', `${process.platform}-${process.arch}`, 'unclip.node');

describe('addon()', () => {
  let built: string;
  beforeEach(async () => {
    vi.resetModules();
    state.root = '';
    const { packageRoot } = await import('../../src/ts/util/package-root.js');
    built = join(packageRoot(), 'build', 'Release', 'unclip.node');
    state.root = mkdtempSync(join(tmpdir(), 'unclip-addon-'));
  });
  afterEach(() => rmSync(state.root, { recursive: true }));

  const load = async () => (await import('../../src/ts/native/addon.js')).addon();
  const missing = (text: string) =>
    expect.objectContaining({ code: 'NATIVE_ADDON_MISSING', message: expect.stringContaining(text) });

  it('says the command that builds it', async () => {
    await expect(load()).rejects.toThrow(missing('is not built for this platform; run `npm run build:native`'));
  });

  it('says so where the file is no addon', async () => {
    mkdirSync(dirname(join(state.root, PREBUILT)), { recursive: true });
    writeFileSync(join(state.root, PREBUILT), 'not a library');
    await expect(load()).rejects.toThrow(missing('does not load on this machine'));
  });

  it('takes a prebuilt one', async () => {
    mkdirSync(dirname(join(state.root, PREBUILT)), { recursive: true });
    cpSync(built, join(state.root, PREBUILT));
    expect(Array.from((await load()).silu(Float64Array.of(0)))).toEqual([0]);
  });
});

import { execFileSync, spawnSync } from 'node:child_process';
import { cpSync, existsSync, mkdirSync, mkdtempSync, rmSync, symlinkSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { delimiter, join } from 'node:path';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { packageRoot } from '../../src/ts/util/package-root.js';

const SOURCES = [
  'src/native',
  'scripts/build-native.mjs',
  'scripts/lib',
  'native-sources.json',
  'binding.gyp',
  'CMakeLists.txt',
  'package.json',
];
const PROXY = 'http://127.0.0.1:9';
const OFFLINE = { http_proxy: PROXY, https_proxy: PROXY, npm_config_proxy: PROXY, npm_config_https_proxy: PROXY };
const has = (tool: string): boolean => spawnSync(tool, ['--version'], { stdio: 'ignore' }).status === 0;

let folder: string;
beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), 'unclip-build-'));
  for (const path of SOURCES) cpSync(join(packageRoot(), path), join(folder, path), { recursive: true });
  symlinkSync(join(packageRoot(), 'node_modules'), join(folder, 'node_modules'), 'junction');
});
afterEach(() => rmSync(folder, { recursive: true }));

/** Builds the copy with a home of its own and no way to the network, and returns the exports of what came out. */
function build(args: string[], env: Record<string, string> = {}): string[] {
  const home = join(folder, 'home');
  mkdirSync(home);
  execFileSync(process.execPath, ['scripts/build-native.mjs', ...args], {
    cwd: folder,
    env: {
      ...process.env,
      HOME: home,
      npm_config_devdir: home,
      npm_config_nodedir: join(home, 'none'),
      ...OFFLINE,
      ...env,
    },
    stdio: 'pipe',
  });
  const built = join(folder, 'build', 'Release', 'unclip.node');
  expect(existsSync(built)).toBe(true);
  const list = 'console.log(JSON.stringify(Object.keys(require(process.argv[1])).sort()))';
  return JSON.parse(execFileSync(process.execPath, ['-e', list, built], { encoding: 'utf8' }));
}

const EXPORTS = [
  'Generator',
  'TensorFile',
  'attention',
  'avgPool2x',
  'bicubicAntialias',
  'conv2d',
  'convert',
  'diffusionStep',
  'gelu',
  'groupNorm',
  'layerNorm',
  'linear',
  'nearest2x',
  'quickGelu',
  'relu',
  'sampleCategorical',
  'setEnvironment',
  'silu',
  'softmax',
  'timestepEmbedding',
  'trimMemory',
];

describe('builds offline from the shipped sources', { timeout: 300_000 }, () => {
  it.skipIf(!has('cmake'))('with CMake', () => {
    expect(build([])).toEqual(EXPORTS);
  });

  it.skipIf(process.platform === 'win32' || !has('make') || !has('python3'))('with node-gyp', () => {
    expect(build(['--gyp'])).toEqual(EXPORTS);
  });

  it.skipIf(process.platform === 'win32')('with the compiler alone', () => {
    expect(build(['--plain'])).toEqual(EXPORTS);
  });

  it('says what to install where there is no way to build', () => {
    const nothing = join(folder, 'empty');
    mkdirSync(nothing);
    const { status, stderr } = spawnSync(process.execPath, ['scripts/build-native.mjs'], {
      cwd: folder,
      env: { PATH: [nothing].join(delimiter), HOME: nothing },
      encoding: 'utf8',
    });
    expect(status).toBe(1);
    expect(stderr).toContain('a compiler with C++20 is needed');
  });
});

import { join } from 'node:path';
import { modified, newest, ROOT } from '../lib/files.mjs';
import { run } from '../lib/run.mjs';

const ADDON = join(ROOT, 'build/Release/unclip.node');
const SOURCES = ['src/native', 'CMakeLists.txt', 'binding.gyp', 'native-sources.json'].map((name) => join(ROOT, name));

export async function nativeAddon() {
  if (modified(ADDON) > newest(SOURCES)) return 'up to date';
  await run(process.execPath, [join(ROOT, 'scripts/build-native.mjs')], { cwd: ROOT });
  return 'built build/Release/unclip.node';
}

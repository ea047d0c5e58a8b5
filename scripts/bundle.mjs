// npm run bundle [-- --out FILE.tar.gz] [--software-driver]: everything that `unclip` needs on a machine of this kind
// without Node, network or compiler, in one archive: Node itself, the program, Dawn, the addon, kernels, the bundled model.
import {
  chmodSync,
  copyFileSync,
  cpSync,
  existsSync,
  mkdirSync,
  mkdtempSync,
  readFileSync,
  renameSync,
  rmSync,
  statSync,
} from 'node:fs';
import { tmpdir } from 'node:os';
import { dirname, join, resolve } from 'node:path';
import { parseArgs } from 'node:util';
import { copyDrivers } from './bundle/drivers.mjs';
import { copyPackage, runtimePackages } from './bundle/packages.mjs';
import { ROOT } from './lib/files.mjs';
import { run } from './lib/run.mjs';
import { setup } from './setup.mjs';

/** Of the repository; what is not there is passed over. */
const FILES = [
  'package.json',
  'LICENSE',
  'README.md',
  'dist',
  'shaders',
  'models',
  'tuned',
  'build/Release/unclip.node',
  'bench/page',
  'bench/make-checkpoint',
  'bench/checkpoint',
];

const { version } = JSON.parse(readFileSync(join(ROOT, 'package.json'), 'utf8'));
const name = `unclip-${version}-${process.platform}-${process.arch}`;

function options() {
  try {
    return parseArgs({ options: { out: { type: 'string' }, 'software-driver': { type: 'boolean', default: false } } })
      .values;
  } catch (error) {
    process.stderr.write(`${error.message}\nusage: npm run bundle -- [--out FILE.tar.gz] [--software-driver]\n`);
    process.exit(2);
  }
}

/** @param {string} root the folder that becomes the archive */
async function collect(root, software) {
  const app = join(root, 'app');
  for (const file of FILES) {
    const source = join(ROOT, file);
    if (!existsSync(source)) continue;
    mkdirSync(dirname(join(app, file)), { recursive: true });
    cpSync(source, join(app, file), { recursive: true, filter: (path) => !path.endsWith('.map') });
  }
  for (const folder of runtimePackages()) copyPackage(folder, app);
  mkdirSync(join(root, 'bin'));
  copyFileSync(process.execPath, join(root, 'bin/node'));
  copyFileSync(join(ROOT, 'scripts/bundle/unclip.sh'), join(root, 'bin/unclip'));
  for (const file of ['node', 'unclip']) chmodSync(join(root, 'bin', file), 0o755);
  await copyDrivers(join(root, 'lib'), software);
}

const { out, 'software-driver': software } = options();
if (process.platform !== 'linux') {
  process.stderr.write('bundles are made for Linux only\n');
  process.exit(2);
}
await setup();
const archive = resolve(out ?? join(ROOT, 'out', `${name}.tar.gz`));
const work = mkdtempSync(join(tmpdir(), 'unclip-bundle-'));
try {
  await collect(join(work, name), software);
  mkdirSync(dirname(archive), { recursive: true });
  // Under another name until it is whole.
  await run('tar', ['-C', work, '--owner=0', '--group=0', '-czf', `${archive}.part`, name]);
  renameSync(`${archive}.part`, archive);
  const size = (statSync(archive).size / 2 ** 20).toFixed(0);
  console.log(`\n${archive} (${size} MiB)\nOn the other machine: tar -xzf ${name}.tar.gz && ${name}/bin/unclip doctor`);
} catch (error) {
  rmSync(`${archive}.part`, { force: true });
  process.stderr.write(`${error.message}\n${error.output ?? ''}`);
  process.exitCode = 1;
} finally {
  rmSync(work, { recursive: true, force: true });
}

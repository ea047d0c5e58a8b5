import { execFileSync } from 'node:child_process';
import { existsSync, readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { beforeAll, describe, expect, it } from 'vitest';

const ROOT = fileURLToPath(new URL('../../', import.meta.url));

/** What may be in the package, and why: everything else is a mistake. */
const ALLOWED = [
  /^(package\.json|README\.md|LICENSE)$/,
  // The library and the command line, with types.
  /^dist\/.+\.(js|d\.ts)$/,
  // The page of `unclip serve`.
  /^dist\/page\/(index\.html|assets\/[\w-]+\.(js|css|svg))$/,
  // Kernels and the bundled model are read at run time.
  /^shaders\/.+\.wgsl$/,
  // What `unclip bench --html` makes pages of.
  /^bench\/page\/.+\.(html|css|mjs)$/,
  /^models\/.+\.(json|safetensors|txt|md)$/,
  // What was measured to be fastest on some adapters.
  /^tuned\/.+\.json$/,
  // The addon, as source and built for some platforms.
  /^(binding\.gyp|CMakeLists\.txt|native-sources\.json)$/,
  /^src\/native\/.+\.(cc|cpp|hpp|h)$/,
  /^prebuilt\/.+\.node$/,
  // Building the addon, and fetching a driver where there is none.
  /^scripts\/(build-native\.mjs|driver\/.+\.mjs|lib\/.+\.mjs)$/,
];

let packed: string[] = [];

beforeAll(() => {
  const npm = process.env.npm_execpath;
  const [command, args] = npm?.endsWith('.js') ? [process.execPath, [npm]] : ['npm', []];
  const json = execFileSync(command, [...args, 'pack', '--dry-run', '--json', '--ignore-scripts'], {
    cwd: ROOT,
    encoding: 'utf8',
    stdio: ['ignore', 'pipe', 'ignore'],
  });
  const [{ files }] = JSON.parse(json) as [{ files: { path: string }[] }];
  packed = files.map(({ path }) => path);
});

/** All files below a folder of the repository, as the package would name them. */
function below(folder: string, ending: string): string[] {
  const names = readdirSync(join(ROOT, folder), { recursive: true, encoding: 'utf8' });
  return names.filter((name) => name.endsWith(ending)).map((name) => `${folder}/${name}`);
}

describe('npm pack', () => {
  it('holds nothing that a user does not need', () => {
    expect(packed.filter((path) => !ALLOWED.some((pattern) => pattern.test(path)))).toEqual([]);
  });

  it('holds every kernel, native source, model file and the licence', () => {
    const wanted = [
      ...below('shaders', '.wgsl'),
      ...below('src/native', '.cc'),
      ...below('src/native', '.hpp'),
      ...below('models', '.safetensors'),
      ...below('models', '.json'),
      ...['README.md', 'LICENSE', 'binding.gyp', 'CMakeLists.txt', 'native-sources.json'],
    ];
    expect(wanted.filter((path) => !packed.includes(path))).toEqual([]);
  });

  it('holds the compiled form of every source', () => {
    const compiled = below('src/ts', '.ts').map((path) => path.replace(/^src\/ts/, 'dist'));
    const wanted = compiled.flatMap((path) => [path.replace(/\.ts$/, '.js'), path.replace(/\.ts$/, '.d.ts')]);
    expect(wanted.filter((path) => !packed.includes(path))).toEqual([]);
  });

  it('holds the page, whole', () => {
    const html = readFileSync(join(ROOT, 'dist/page/index.html'), 'utf8');
    const files = [...html.matchAll(/(?:src|href)="\.\/([^"]+)"/g)].map(([, path]) => `dist/page/${path}`);
    expect(files.length).toBeGreaterThan(1);
    expect(['dist/page/index.html', ...files].filter((path) => !packed.includes(path))).toEqual([]);
  });

  it('holds every native source that the build names', () => {
    const sources = JSON.parse(readFileSync(join(ROOT, 'native-sources.json'), 'utf8')) as string[];
    expect(sources.filter((path) => !packed.includes(path) || !existsSync(join(ROOT, path)))).toEqual([]);
  });

  it('holds what package.json points to', () => {
    const { main, types, bin } = JSON.parse(readFileSync(join(ROOT, 'package.json'), 'utf8')) as {
      main: string;
      types: string;
      bin: Record<string, string>;
    };
    expect([main, types, ...Object.values(bin)].filter((path) => !packed.includes(path))).toEqual([]);
  });
});

import { createHash } from 'node:crypto';
import { existsSync, readdirSync, readFileSync } from 'node:fs';
import { dirname, join, relative, resolve } from 'node:path';
import { fileURLToPath } from 'node:url';
import { packageRoot } from '../util/package-root.js';

/** The code that lowers ops: TypeScript when it runs from its sources, JavaScript when it is built. */
const OPS = fileURLToPath(new URL('../ops/', import.meta.url));
const ENDING = import.meta.url.endsWith('.ts') ? '.ts' : '.js';

const hashes = new Map<string, string>();

/**
 * 16 hexadecimal digits that change with the kernels of an op: with its record, what the record imports within ops/, its family's
 * shaders and what those import. Comments and indentation do not count. Undefined for an op without a record file of its own.
 */
export function kernelSourceHash(op: string): string | undefined {
  const known = hashes.get(op);
  if (known !== undefined) return known;
  const sources = kernelSources(op);
  if (sources.size === 0) return undefined;
  const hash = createHash('sha256');
  for (const name of [...sources.keys()].sort()) hash.update(`${name}\0${sources.get(name)}\0`);
  const digest = hash.digest('hex').slice(0, 16);
  hashes.set(op, digest);
  return digest;
}

/** The files that an op's kernels are made of, by name below ops/ or shaders/, with what of each can change a kernel. */
export function kernelSources(op: string): Map<string, string> {
  const sources = new Map<string, string>();
  const record = recordFile(op);
  if (record === undefined) return sources;
  const shaders = join(packageRoot(), 'shaders');
  const add = (file: string): void => {
    const name = relative(file.endsWith('.wgsl') ? shaders : OPS, file).replaceAll('\\', '/');
    if (sources.has(name) || name.startsWith('..') || !existsSync(file)) return;
    const text = readFileSync(file, 'utf8');
    sources.set(name, essence(text, file.endsWith('.wgsl')));
    for (const other of references(text, file, shaders)) add(other);
  };
  add(record);
  for (const file of listed(join(shaders, relative(OPS, dirname(record))), '.wgsl')) add(file);
  return sources;
}

let records: ReadonlyMap<string, string> | undefined;

/** The file below ops/ that holds an op's record. */
function recordFile(op: string): string | undefined {
  records ??= findRecords();
  return records.get(op);
}

function findRecords(): Map<string, string> {
  const folders = readdirSync(OPS, { withFileTypes: true }).filter((entry) => entry.isDirectory());
  const files = folders.flatMap(({ name }) => listed(join(OPS, name), ENDING));
  const found = new Map<string, string>();
  for (const file of files) {
    const text = readFileSync(file, 'utf8');
    if (!/^ +infer\b/m.test(text)) continue;
    // Variants that stand in the same file have names as well; nobody asks for those.
    for (const [, name] of text.matchAll(/^ +name: '(\w+)',$/gm)) if (!found.has(name!)) found.set(name!, file);
  }
  return found;
}

function listed(folder: string, ending: string): string[] {
  if (!existsSync(folder)) return [];
  const names = readdirSync(folder).filter((name) => name.endsWith(ending) && !name.endsWith('.d.ts'));
  return names.sort().map((name) => join(folder, name));
}

/** Files that a shader imports; that a module imports, or names as a shader. */
function references(text: string, file: string, shaders: string): string[] {
  const all = (pattern: RegExp): string[] => [...text.matchAll(pattern)].map((match) => match[1]!);
  const shader = (name: string): string => join(shaders, `${name}.wgsl`);
  if (file.endsWith('.wgsl')) return all(/^\s*\/\/#import\s+(\S+)/gm).map(shader);
  const modules = all(/from '(\.[^']+)\.js'/g).map((name) => resolve(dirname(file), `${name}${ENDING}`));
  return [...modules, ...all(/'([\w-]+\/[\w-]+)'/g).map(shader)];
}

/** What of a file can change a kernel: all but comments that stand alone, indentation and empty lines. */
export function essence(text: string, isShader: boolean): string {
  const comment = isShader ? /^\/\/(?!#)/ : /^(\/\/|\/\*|\*)/;
  const lines = text.split('\n').map((line) => line.trim());
  return lines.filter((line) => line !== '' && !comment.test(line)).join('\n');
}

import { closeSync, existsSync, openSync, readdirSync, readFileSync, readSync, statSync } from 'node:fs';
import { basename, join } from 'node:path';

/** Kinds of reference data, by the name that `--require` takes. */
export const KINDS = [
  'unclip-t2i',
  'unclip-i2i',
  'clip',
  'kandinsky22',
  'dvae',
  'min-dalle',
  'rng',
  'schedule',
  'tokenizer',
] as const;

export type Kind = (typeof KINDS)[number];

export interface Fixture {
  readonly kind: Kind;
  readonly folder: string;
}

const has = (...path: string[]): boolean => existsSync(join(...path));

const files = (folder: string, ending: string): string[] => readdirSync(folder).filter((name) => name.endsWith(ending));

/** The pipeline class of a `model/` beside a `golden/`, or undefined. */
function pipelineClass(folder: string): string | undefined {
  if (!has(folder, 'model', 'model_index.json') || !has(folder, 'golden')) return undefined;
  const index = JSON.parse(readFileSync(join(folder, 'model', 'model_index.json'), 'utf8')) as { _class_name?: string };
  return index._class_name;
}

/** What kind of reference data lies in a folder, judged by the files there and what is in them, never by its name. */
export function kindOf(folder: string): Kind | undefined {
  const pipeline = pipelineClass(folder);
  if (pipeline === 'UnCLIPPipeline') return 'unclip-t2i';
  if (pipeline === 'UnCLIPImageVariationPipeline') return 'unclip-i2i';
  if (pipeline?.startsWith('KandinskyV22')) return 'kandinsky22';
  if (has(folder, 'hf', 'config.json') && has(folder, 'golden.safetensors')) return 'clip';
  if (has(folder, 'dalle_bart') && has(folder, 'golden.safetensors')) return 'min-dalle';
  if (has(folder, 'encoder.safetensors') && has(folder, 'golden.safetensors')) return 'dvae';
  if (files(folder, '_golden.json').some((name) => readFileSync(join(folder, name), 'utf8').includes('"vocab"')))
    return 'tokenizer';
  const tables = files(folder, '.safetensors').map((name) => header(join(folder, name)));
  if (tables.some((names) => names.some((n) => n.startsWith('randn.seed')))) return 'rng';
  if (tables.some((names) => names.includes('alphas_cumprod'))) return 'schedule';
  return undefined;
}

/** Every fixture folder at or below `root`, in path order. A fixture's own subfolders are not looked into. */
export function findFixtures(root: string): Fixture[] {
  const kind = kindOf(root);
  if (kind !== undefined) return [{ kind, folder: root }];
  return readdirSync(root)
    .sort()
    .map((name) => join(root, name))
    .filter(
      (path) => !basename(path).startsWith('.') && basename(path) !== 'node_modules' && statSync(path).isDirectory(),
    )
    .flatMap(findFixtures);
}

/** Largest header that a reference file has; anything larger is no reference file. */
const MAX_HEADER_BYTES = 1 << 24;

/** Tensor names of a safetensors file, from its header alone. */
function header(path: string): string[] {
  const fd = openSync(path, 'r');
  try {
    const length = Buffer.alloc(8);
    readSync(fd, length, 0, 8, 0);
    const bytes = Buffer.alloc(Math.min(Number(length.readBigUInt64LE(0)), MAX_HEADER_BYTES));
    readSync(fd, bytes, 0, bytes.length, 8);
    return Object.keys(JSON.parse(bytes.toString('utf8')) as object);
  } catch {
    return [];
  } finally {
    closeSync(fd);
  }
}

import { existsSync, readdirSync, readFileSync, statSync } from 'node:fs';
import { basename, join } from 'node:path';
import { UnclipError } from '../util/errors.js';

/** Files of one checkpoint. With an index, `tensors` says which file holds each tensor. */
export interface CheckpointFiles {
  files: string[];
  tensors?: Map<string, string>;
}

/** Names that diffusers and transformers give to a network's file. */
const STEMS = ['diffusion_pytorch_model', 'model', 'pytorch_model'];
const MAX_INDEX_BYTES = 100_000_000;
const SAFETENSORS = /\.safetensors$/;
/** What torch.save writes; see torch/torch-file.ts. */
const TORCH = /\.(bin|pt|pth|pkl|ckpt)$/;

/** Whether a file of this name is one of torch.save. */
export const isTorchName = (path: string): boolean => TORCH.test(path);

/** In order of preference: full precision before half, one file before shards. */
const variants = (stem: string, ending: string): string[] => [
  `${stem}.${ending}`,
  `${stem}.${ending}.index.json`,
  `${stem}.fp16.${ending}`,
  `${stem}.${ending}.index.fp16.json`,
  `${stem}.fp16.${ending}.index.json`,
];

/** In order of preference: safetensors before PyTorch's own files. */
function candidates(stems: readonly string[]): string[] {
  const torch = (stem: string): string[] => [
    ...variants(stem, 'bin'),
    ...['pt', 'pth', 'pkl', 'ckpt'].map((ending) => `${stem}.${ending}`),
  ];
  return [...stems.flatMap((stem) => variants(stem, 'safetensors')), ...stems.flatMap(torch)];
}

/**
 * Finds a checkpoint in a folder: `<stem>.safetensors`, its shards with an index, or their fp16 variants, else the same as
 * PyTorch's `.bin`, or as `.pt`, `.pth`, `.pkl`, `.ckpt`; without a stem the usual names, else the folder's only file of these
 * kinds. `folder` may also be such a file itself.
 * @throws UnclipError MODEL_NOT_FOUND (no such folder), MODEL_FILE_MISSING (nothing to read in it, and what would help),
 *   MODEL_FILE_INVALID (an index that is not one)
 */
export function findCheckpoint(folder: string, stem?: string): CheckpointFiles {
  const stats = reading(folder, () => statSync(folder, { throwIfNoEntry: false }));
  if (stats === undefined)
    throw new UnclipError('MODEL_NOT_FOUND', `${folder} does not exist; check the model's folder`);
  if (stats.isFile()) return { files: [folder] };
  for (const name of candidates(stem === undefined ? STEMS : [stem])) {
    const path = join(folder, name);
    if (!existsSync(path)) continue;
    return name.endsWith('.json') ? readIndex(folder, path) : { files: [path] };
  }
  const entries = reading(folder, () => readdirSync(folder));
  for (const kind of [SAFETENSORS, TORCH]) {
    const found = entries.filter((name) => kind.test(name));
    if (stem === undefined && found.length === 1) return { files: [join(folder, found[0]!)] };
    if (found.length > 0) throw new UnclipError('MODEL_FILE_MISSING', whyNone(folder, found, stem));
  }
  throw new UnclipError(
    'MODEL_FILE_MISSING',
    `${folder} lacks ${wanted(stem)}; fetch the checkpoint's weights into it`,
  );
}

function reading<R>(path: string, read: () => R): R {
  try {
    return read();
  } catch (cause) {
    const why = cause instanceof Error ? cause.message : String(cause);
    throw new UnclipError('IO_FAILED', `${JSON.stringify(path)} cannot be read: ${why}`, { cause });
  }
}

const wanted = (stem: string | undefined): string =>
  stem === undefined ? 'a safetensors file' : `${stem}.safetensors`;

const whyNone = (folder: string, found: readonly string[], stem: string | undefined): string =>
  `${folder} lacks ${wanted(stem)} under a usual name; it has ${found.slice(0, 5).join(', ')}`;

function readIndex(folder: string, path: string): CheckpointFiles {
  const invalid = (what: string) =>
    new UnclipError('MODEL_FILE_INVALID', `${path}: ${what}; fetch the checkpoint again`);
  if (statSync(path).size > MAX_INDEX_BYTES) throw invalid('the index is larger than 100 MB');
  const text = reading(path, () => readFileSync(path, 'utf8'));
  let parsed: unknown;
  try {
    parsed = JSON.parse(text);
  } catch {
    throw invalid('the index is not JSON');
  }
  const map = isRecord(parsed) ? parsed.weight_map : undefined;
  if (!isRecord(map)) throw invalid('the index has no weight_map');
  const tensors = new Map<string, string>();
  for (const [tensor, file] of Object.entries(map)) {
    // A shard lies beside its index: a name with folders in it could point anywhere.
    if (typeof file !== 'string' || basename(file) !== file || file.includes('\\') || !isWeights(file)) {
      throw invalid(`tensor ${tensor} is not mapped to a file of weights in the same folder`);
    }
    tensors.set(tensor, join(folder, file));
  }
  const files = [...new Set(tensors.values())];
  const missing = files.find((file) => !existsSync(file));
  if (missing !== undefined) {
    throw new UnclipError(
      'MODEL_FILE_MISSING',
      `${missing}, a shard named by ${basename(path)}, does not exist; fetch it`,
    );
  }
  return { files, tensors };
}

const isWeights = (name: string): boolean => SAFETENSORS.test(name) || TORCH.test(name);

function isRecord(value: unknown): value is Record<string, unknown> {
  return typeof value === 'object' && value !== null && !Array.isArray(value);
}

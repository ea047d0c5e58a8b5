import { existsSync, readdirSync, readFileSync, statSync } from 'node:fs';
import { basename, join } from 'node:path';
import { UnclipError } from '../util/errors.js';

/** Files of one checkpoint. With an index, `tensors` says which file holds each tensor. */
export interface CheckpointFiles {
  files: string[];
  tensors?: Map<string, string>;
}

/** Names that diffusers and transformers give to a network's file. */
const STEMS = ['diffusion_pytorch_model', 'model'];
const MAX_INDEX_BYTES = 100_000_000;
const PICKLE = /\.(bin|pt|pth|ckpt|pkl)$/;

/** In order of preference: full precision before half, one file before shards. */
function candidates(stem: string): string[] {
  return [
    `${stem}.safetensors`,
    `${stem}.safetensors.index.json`,
    `${stem}.fp16.safetensors`,
    `${stem}.safetensors.index.fp16.json`,
    `${stem}.fp16.safetensors.index.json`,
  ];
}

/**
 * Finds a checkpoint in a folder: `<stem>.safetensors`, its shards with an index, or their fp16 variants; without a stem the
 * usual names, else the folder's only safetensors file. `folder` may also be a safetensors file itself.
 * @throws UnclipError MODEL_NOT_FOUND (no such folder), MODEL_FILE_MISSING (nothing to read in it, and what would help),
 *   MODEL_FILE_INVALID (an index that is not one)
 */
export function findCheckpoint(folder: string, stem?: string): CheckpointFiles {
  const stats = reading(folder, () => statSync(folder, { throwIfNoEntry: false }));
  if (stats === undefined)
    throw new UnclipError('MODEL_NOT_FOUND', `${folder} does not exist; check the model's folder`);
  if (stats.isFile()) return { files: [folder] };
  for (const name of (stem === undefined ? STEMS : [stem]).flatMap(candidates)) {
    const path = join(folder, name);
    if (!existsSync(path)) continue;
    return name.endsWith('.json') ? readIndex(folder, path) : { files: [path] };
  }
  const entries = reading(folder, () => readdirSync(folder));
  const found = entries.filter((name) => name.endsWith('.safetensors'));
  if (stem === undefined && found.length === 1) return { files: [join(folder, found[0]!)] };
  throw new UnclipError('MODEL_FILE_MISSING', whyNothing(folder, entries, found, stem));
}

function reading<R>(path: string, read: () => R): R {
  try {
    return read();
  } catch (cause) {
    const why = cause instanceof Error ? cause.message : String(cause);
    throw new UnclipError('IO_FAILED', `${JSON.stringify(path)} cannot be read: ${why}`, { cause });
  }
}

function whyNothing(folder: string, entries: string[], found: string[], stem: string | undefined): string {
  const wanted = stem === undefined ? 'a safetensors file' : `${stem}.safetensors`;
  if (found.length > 0) return `${folder} lacks ${wanted} under a usual name; it has ${found.slice(0, 5).join(', ')}`;
  const pickle = entries.find((name) => PICKLE.test(name));
  if (pickle !== undefined) {
    return `${folder} has only ${pickle}, a PyTorch pickle, which is not read; convert the checkpoint to safetensors`;
  }
  return `${folder} lacks ${wanted}; fetch the checkpoint's weights into it`;
}

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
    if (typeof file !== 'string' || basename(file) !== file || file.includes('\\') || !file.endsWith('.safetensors')) {
      throw invalid(`tensor ${tensor} is not mapped to a safetensors file of the same folder`);
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

function isRecord(value: unknown): value is Record<string, unknown> {
  return typeof value === 'object' && value !== null && !Array.isArray(value);
}

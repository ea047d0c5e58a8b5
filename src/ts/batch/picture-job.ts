import { createHash } from 'node:crypto';
import type { PictureFormat } from '../image/encode.js';
import type { SamplingSettings } from '../pipelines/settings.js';
import { contentKey } from './content-key.js';
import type { ManifestEntry } from './manifest.js';
import type { StoredPicture } from './picture-store.js';

/** What the pictures of a run have in common: which model draws them, and how it is kept. */
export interface BatchTarget {
  /** How the model is named in the manifest. */
  readonly model: string;
  readonly modelHash: string;
  readonly dtype: string;
  readonly weights: string;
  /** Side of the pictures, pixels. */
  readonly size: number;
  readonly defaults: SamplingSettings;
  readonly format: PictureFormat;
  /** @throws UnclipError MODEL_CONFIG_INVALID when the model has not the prior that is asked for */
  readonly requirePriorOf: (settings: SamplingSettings) => void;
}

/** One picture of a batch. Plain data: it may travel to another machine. */
export interface PictureJob {
  /** Content key, see content-key.ts. */
  readonly key: string;
  /** Where it comes from: line of the batch file, number within the line's pictures, the line's own id. */
  readonly line: number;
  readonly picture: number;
  readonly id?: string;
  readonly prompt: string;
  /** Of this very picture. */
  readonly seed: number;
  readonly settings: SamplingSettings;
}

/** Whoever makes pictures of jobs and keeps them. */
export interface Drawer {
  /**
   * Draws and stores a picture, unless it is stored already.
   * @returns what the manifest says of it
   * @throws UnclipError CANCELLED, GPU_*, IO_*
   */
  draw(job: PictureJob, signal?: AbortSignal): Promise<ManifestEntry>;
}

export const jobKey = (target: BatchTarget, job: Omit<PictureJob, 'key'>): string =>
  contentKey({ ...target, prompt: job.prompt, seed: job.seed, settings: job.settings });

/** Who drew a picture. */
export interface DrawnBy {
  readonly adapter: string;
  readonly version: string;
}

/** What the manifest says of a picture. @param bytes the picture file's contents */
export function manifestEntry(
  target: BatchTarget,
  job: PictureJob,
  { adapter, version }: DrawnBy,
  bytes: Uint8Array,
  stored: StoredPicture,
): ManifestEntry {
  const { model, modelHash, dtype, weights, size } = target;
  const { key, line, picture, id, prompt, seed, settings } = job;
  return {
    ...{ key, line, picture, id, prompt, seed, settings },
    ...{ model, modelHash, dtype, weights, adapter, version },
    ...stored,
    sha256: createHash('sha256').update(bytes).digest('hex'),
    bytes: bytes.length,
    width: size,
    height: size,
    time: new Date().toISOString(),
  };
}

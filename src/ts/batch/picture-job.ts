import { createHash } from 'node:crypto';
import type { PictureFormat } from '../image/encode.js';
import type { SamplingSettings } from '../pipelines/settings.js';
import type { Brought } from './brought-pictures.js';
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
  /** @throws UnclipError MODEL_CONFIG_INVALID when the model has not the prior, or the image encoder, that is asked for */
  readonly requireNetworks: (settings: SamplingSettings, operation: Brought['operation'] | undefined) => void;
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
  /** What it is drawn from, beside its words. */
  readonly brought?: Brought;
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
  contentKey({ ...target, prompt: job.prompt, seed: job.seed, settings: job.settings, brought: job.brought });

/** Who drew a picture. */
export interface DrawnBy {
  readonly adapter: string;
  readonly version: string;
}

/** What the manifest says of a picture. @param bytes the picture file's contents */
export function manifestEntry(
  { model, modelHash, dtype, weights }: BatchTarget,
  job: PictureJob,
  { adapter, version }: DrawnBy,
  bytes: Uint8Array,
  { width, height }: { readonly width: number; readonly height: number },
  stored: StoredPicture,
): ManifestEntry {
  const { key, line, picture, id, prompt, seed, settings, brought } = job;
  return {
    ...{ key, line, picture, id, prompt, seed, settings, brought },
    ...{ model, modelHash, dtype, weights, adapter, version },
    ...stored,
    sha256: createHash('sha256').update(bytes).digest('hex'),
    bytes: bytes.length,
    width,
    height,
    time: new Date().toISOString(),
  };
}

import { createHash } from 'node:crypto';
import type { SamplingSettings } from '../pipelines/settings.js';
import type { Brought } from './brought-pictures.js';

/** What decides a picture on one device. */
export interface Content {
  readonly modelHash: string;
  readonly dtype: string;
  readonly weights: string;
  readonly prompt: string;
  readonly seed: number;
  readonly settings: SamplingSettings;
  readonly format: string;
  readonly brought?: Brought;
}

/** SHA-256 over everything that decides a picture, in hexadecimal: the same request has the same key in every run. */
export function contentKey(content: Content): string {
  const { modelHash, dtype, weights, prompt, seed, settings, format, brought } = content;
  const ordered = Object.entries(settings).sort(([a], [b]) => (a < b ? -1 : 1));
  // Of the pictures it is drawn from, what is in them counts, not where they lie.
  const pictures = brought && [brought.operation, brought.image.sha256, brought.mask?.sha256 ?? null];
  const text = JSON.stringify([modelHash, dtype, weights, prompt, seed, ordered, format, ...(pictures ?? [])]);
  return createHash('sha256').update(text).digest('hex');
}

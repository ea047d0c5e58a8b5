import { createHash } from 'node:crypto';
import type { SamplingSettings } from '../pipelines/settings.js';

/** What decides a picture on one device. */
export interface Content {
  readonly modelHash: string;
  readonly dtype: string;
  readonly weights: string;
  readonly prompt: string;
  readonly seed: number;
  readonly settings: SamplingSettings;
  readonly format: string;
}

/** SHA-256 over everything that decides a picture, in hexadecimal: the same request has the same key in every run. */
export function contentKey({ modelHash, dtype, weights, prompt, seed, settings, format }: Content): string {
  const ordered = Object.entries(settings).sort(([a], [b]) => (a < b ? -1 : 1));
  const text = JSON.stringify([modelHash, dtype, weights, prompt, seed, ordered, format]);
  return createHash('sha256').update(text).digest('hex');
}

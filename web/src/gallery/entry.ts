import type { PriorStep, Stage } from '../api/draw.js';
import type { Settings } from '../api/model.js';

/** An unfinished picture on its way, small. */
export interface Frame {
  readonly stage: Stage;
  readonly step: number;
  readonly steps: number;
  readonly file: Blob;
}

/** A picture of the gallery, with all that makes it again. */
export interface Entry {
  readonly id: string;
  /** Milliseconds since 1970. */
  readonly time: number;
  /** The gallery shows the highest first; no two entries of a page have the same. */
  readonly order: number;
  /** How it came to be; 'own': a file that a person brought. */
  readonly kind: 'generate' | 'edit' | 'vary' | 'own';
  readonly model: string;
  /** Of an own picture: the file's name. Empty for variations. */
  readonly prompt: string;
  /** Undefined for own pictures. */
  readonly seed: number | undefined;
  readonly settings: Settings;
  /** The file as the server gave it, or as it was brought. */
  readonly picture: Blob;
  readonly width: number;
  readonly height: number;
  /** What it was made from. */
  readonly source?: Blob;
  readonly mask?: Blob;
  /** How the prior came to its image embedding. */
  readonly prior: readonly PriorStep[];
  readonly frames: readonly Frame[];
}

let latest = 0;

/** A place in the gallery before everything that is there. */
export function nextOrder(): number {
  latest = Math.max(Date.now(), latest + 1);
  return latest;
}

/** A name for a new entry. Not crypto.randomUUID: a page without TLS has none. */
export function newId(): string {
  const [random] = crypto.getRandomValues(new Uint32Array(1));
  return `${Date.now().toString(36)}-${random!.toString(36)}`;
}

/** What a picture is called in a list. */
export function titleOf({ kind, prompt }: Pick<Entry, 'kind' | 'prompt'>): string {
  if (kind === 'vary') return 'Variation';
  return prompt === '' ? 'Untitled' : prompt;
}

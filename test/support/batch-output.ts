import { createHash } from 'node:crypto';
import { readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';

/** What the tests of batch runs look at in a line of the manifest. */
export interface RecordedPicture {
  readonly key: string;
  readonly line: number;
  readonly file: string;
  readonly sha256: string;
  readonly prompt: string;
  readonly seed: number;
}

/** The manifest of an output folder. */
export const manifestOf = <Entry extends RecordedPicture = RecordedPicture>(out: string): Entry[] =>
  readFileSync(join(out, 'manifest.jsonl'), 'utf8')
    .trim()
    .split('\n')
    .map((line) => JSON.parse(line) as Entry);

/** Every PNG below an output folder, by its path there. */
export const picturesIn = (out: string): string[] =>
  readdirSync(out, { recursive: true, encoding: 'utf8' }).filter((name) => name.endsWith('.png'));

export const sha256Of = (out: string, file: string): string =>
  createHash('sha256')
    .update(readFileSync(join(out, file)))
    .digest('hex');

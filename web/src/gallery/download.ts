import type { Entry } from './entry.js';

const ENDINGS: Readonly<Record<string, string>> = { 'image/jpeg': 'jpg', 'image/webp': 'webp' };

/** A file name of the prompt's words and the seed. */
export function fileNameOf({ kind, prompt, seed, picture }: Entry): string {
  if (kind === 'own') return prompt || 'picture';
  const words = prompt.toLowerCase().match(/[\p{L}\p{N}]+/gu) ?? ['variation'];
  return `${words.join('-').slice(0, 60)}-${seed}.${ENDINGS[picture.type] ?? 'png'}`;
}

/** Saves the file as it is, with whatever is embedded in it. */
export function downloadPicture(entry: Entry): void {
  const url = URL.createObjectURL(entry.picture);
  const link = document.createElement('a');
  link.href = url;
  link.download = fileNameOf(entry);
  link.click();
  setTimeout(() => URL.revokeObjectURL(url), 10_000);
}

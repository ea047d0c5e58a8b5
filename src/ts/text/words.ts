import { UnclipError } from '../util/errors.js';

/** Largest prompt, bytes of UTF-8. */
const MAX_PROMPT_BYTES = 10_000_000;

/**
 * CLIP's split of lower-case text into words (transformers `CLIPTokenizer.pat`): special tokens, contractions, runs of
 * letters, single digits, runs of other signs. The original ignores case; in lower-case text only ſ (U+017F), which folds
 * to s, is left of that. White space is Unicode's White_Space, as Python's regex module has it; JavaScript's \s differs.
 */
export const CLIP_WORD =
  /<\|[sſ]tartoftext\|>|<\|endoftext\|>|'[sſ]|'t|'re|'ve|'m|'ll|'d|\p{L}+|\p{N}|[^\p{White_Space}\p{L}\p{N}]+/gu;

/** What Python's str.strip() takes off: White_Space and the four separators U+001C..U+001F. */
// biome-ignore lint/suspicious/noControlCharactersInRegex: these control characters are what is stripped
const PYTHON_SPACE = /[\p{White_Space}\x1c-\x1f]/u;

/** `text` as Python's str.strip() leaves it. */
export function strip(text: string): string {
  let from = 0;
  let to = text.length;
  while (from < to && PYTHON_SPACE.test(text[from]!)) from++;
  while (to > from && PYTHON_SPACE.test(text[to - 1]!)) to--;
  return text.slice(from, to);
}

/**
 * Checks that a prompt is a string of at most 10 MB of UTF-8.
 * @throws UnclipError INPUT_INVALID or INPUT_TOO_LARGE
 */
export function checkPrompt(text: unknown): asserts text is string {
  if (typeof text !== 'string') {
    throw new UnclipError('INPUT_INVALID', `prompt is ${text === null ? 'null' : `a ${typeof text}`}; give a string`);
  }
  if (text.length > MAX_PROMPT_BYTES || Buffer.byteLength(text) > MAX_PROMPT_BYTES) {
    throw new UnclipError('INPUT_TOO_LARGE', 'prompt is over 10 MB; give a shorter one (77 tokens are read)');
  }
}

/**
 * The words of a prompt that are not in `vocabulary`, lower-cased, each once, in the order of their first appearance.
 * A word is a run of letters, combining marks and digits; signs between words are ignored.
 * @param vocabulary lower-case words, for instance those that a small model was trained on
 * @throws UnclipError INPUT_INVALID or INPUT_TOO_LARGE, as the tokenizer does
 */
export function unknownWords(text: string, vocabulary: ReadonlySet<string>): string[] {
  checkPrompt(text);
  const words =
    text
      .normalize('NFC')
      .toLowerCase()
      .match(/[\p{L}\p{M}\p{N}]+/gu) ?? [];
  return [...new Set(words)].filter((word) => !vocabulary.has(word));
}

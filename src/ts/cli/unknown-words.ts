import type { ModelInfo } from '../pipelines/model-info.js';
import { unknownWords } from '../text/words.js';
import { onOneLine } from './ui/format.js';
import { printLine } from './ui/terminal.js';

/** The words of some prompts that the model has never seen. Says them on stderr, and what the model can draw. */
export function warnOfUnknownWords(
  prompts: readonly string[],
  { model }: { readonly model: { readonly info: ModelInfo } },
  stderr: NodeJS.WritableStream,
): string[] {
  const { vocabulary, world = {}, name } = model.info;
  if (vocabulary === undefined) return [];
  const known = new Set(vocabulary);
  const unknown = [...new Set(prompts.flatMap((prompt) => unknownWords(prompt, known)))];
  if (unknown.length === 0) return unknown;
  printLine(stderr, `the model '${onOneLine(name, 60)}' has never seen: ${onOneLine(unknown.join(', '), 500)}`);
  for (const [group, words] of Object.entries(world))
    if (words.length > 0) printLine(stderr, `it can draw ${group}: ${words.join(', ')}`);
  return unknown;
}

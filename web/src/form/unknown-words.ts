/**
 * The words of a prompt that a model was not trained on, lower-cased, each once. A word is a run of letters, marks and digits.
 * @param vocabulary undefined: all words may be known
 */
export function unknownWords(prompt: string, vocabulary: readonly string[] | undefined): string[] {
  if (vocabulary === undefined) return [];
  const known = new Set(vocabulary);
  const words =
    prompt
      .normalize('NFC')
      .toLowerCase()
      .match(/[\p{L}\p{M}\p{N}]+/gu) ?? [];
  return [...new Set(words)].filter((word) => !known.has(word));
}

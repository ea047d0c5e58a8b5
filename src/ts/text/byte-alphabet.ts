/**
 * GPT-2's reversible map from bytes to printable characters (openai/CLIP simple_tokenizer.py `bytes_to_unicode`): bytes
 * that print stay themselves, the others become U+0100 onwards in byte order. Entry b is the character of byte b.
 */
export const BYTE_ALPHABET: readonly string[] = (() => {
  let next = 0x100;
  return Array.from({ length: 256 }, (_, byte) => {
    const prints = (byte >= 0x21 && byte <= 0x7e) || (byte >= 0xa1 && byte <= 0xac) || byte >= 0xae;
    return String.fromCharCode(prints ? byte : next++);
  });
})();

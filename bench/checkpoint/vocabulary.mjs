// A CLIP tokenizer of full size whose merges are made up: pairs, triples and quadruples of letters. It splits words into
// more or less the pieces that CLIP's would have, and every id below 49,408 exists.
import { BYTE_ALPHABET } from '../../dist/text/byte-alphabet.js';

const MERGES = 48_894;
const SPECIAL = ['<|startoftext|>', '<|endoftext|>'];
const LETTERS = [...'abcdefghijklmnopqrstuvwxyz'];

function* pairs(left, right) {
  for (const l of left) for (const r of right) yield [l, r];
}

/** @returns {Record<string, string>} the tokenizer's files by name */
export function tokenizerFiles() {
  const ending = (words) => words.map((word) => `${word}</w>`);
  const two = [...pairs(LETTERS, LETTERS)].map((p) => p.join(''));
  const all = [
    ...pairs(LETTERS, LETTERS),
    ...pairs(LETTERS, ending(LETTERS)),
    ...pairs(two, LETTERS),
    ...pairs(two, ending(LETTERS)),
    ...pairs(two, ending(two)),
  ];
  const merges = all.slice(0, MERGES);
  const tokens = [...BYTE_ALPHABET, ...ending(BYTE_ALPHABET), ...merges.map((p) => p.join('')), ...SPECIAL];
  const [bos_token, eos_token] = SPECIAL;
  return {
    'vocab.json': JSON.stringify(Object.fromEntries(tokens.map((token, id) => [token, id]))),
    'merges.txt': `#version: 0.2\n${merges.map((p) => p.join(' ')).join('\n')}\n`,
    'tokenizer_config.json': JSON.stringify({ tokenizer_class: 'CLIPTokenizer', model_max_length: 77 }),
    'special_tokens_map.json': JSON.stringify({ bos_token, eos_token, unk_token: eos_token, pad_token: eos_token }),
  };
}

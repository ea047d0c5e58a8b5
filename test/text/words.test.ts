import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { readTokenizerFiles } from '../../src/ts/text/tokenizer-files.js';
import { unknownWords } from '../../src/ts/text/words.js';

describe('unknownWords', () => {
  it('names each word outside the vocabulary once, in order', () => {
    const vocabulary = new Set(['a', 'red', 'cat', '2', 'café']);
    expect(unknownWords('A RED zebra, 2 cats & a ZEBRA (cafe\u0301)!', vocabulary)).toEqual(['zebra', 'cats']);
    expect(unknownWords(' ... ', vocabulary)).toEqual([]);
  });

  it('refuses what is no prompt', () => {
    expect(() => unknownWords(7 as unknown as string, new Set())).toThrow(
      expect.objectContaining({ code: 'INPUT_INVALID' }),
    );
  });
});

describe('readTokenizerFiles', () => {
  let folder: string;
  beforeEach(() => {
    folder = mkdtempSync(join(tmpdir(), 'unclip-tokenizer-'));
    write('vocab.json', '{"a</w>": 0, "<|startoftext|>": 1, "<|endoftext|>": 2, "!": 3}');
    write('merges.txt', '#version: 0.2\na b\n');
  });
  afterEach(() => rmSync(folder, { recursive: true }));
  const write = (name: string, text: string) => writeFileSync(join(folder, name), text);
  const refused = (code: string, part: string) =>
    expect(() => readTokenizerFiles(folder)).toThrow(
      expect.objectContaining({ code, message: expect.stringContaining(part) }),
    );

  it('stands in for the two optional files', () => {
    expect(readTokenizerFiles(folder)).toMatchObject({ pad: '<|endoftext|>', maxLength: 77, merges: [['a', 'b']] });
  });

  it('reads special tokens as strings and as records', () => {
    write('tokenizer_config.json', '{"model_max_length": 10, "pad_token": "a</w>"}');
    write('special_tokens_map.json', '{"pad_token": {"content": "!", "lstrip": false}}');
    expect(readTokenizerFiles(folder)).toMatchObject({ pad: '!', maxLength: 10 });
  });

  it('says which file is wrong', () => {
    write('special_tokens_map.json', '{"pad_token": "<pad>"}');
    refused('MODEL_FILE_INVALID', 'pad token');
    write('special_tokens_map.json', '{');
    refused('MODEL_FILE_INVALID', 'special_tokens_map.json');
    write('tokenizer_config.json', '{"model_max_length": "long"}');
    refused('MODEL_CONFIG_INVALID', 'model_max_length');
    write('merges.txt', '#version\na b c\n');
    write('tokenizer_config.json', '{}');
    write('special_tokens_map.json', '{}');
    refused('MODEL_FILE_INVALID', 'line 2');
    write('vocab.json', '{"a": -1}');
    refused('MODEL_FILE_INVALID', 'vocab.json');
    write('merges.txt', '#version\na b\n');
    write('vocab.json', '[]');
    refused('MODEL_FILE_INVALID', 'bos token');
    rmSync(join(folder, 'vocab.json'));
    refused('MODEL_FILE_MISSING', 'vocab.json');
  });
});

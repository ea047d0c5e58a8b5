import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { ClipTokenizer } from '../../src/ts/text/clip-tokenizer.js';
import { golden, goldenFolder } from '../support/golden.js';
import { readSafetensors } from '../support/safetensors.js';

const fixture = join(import.meta.dirname, '..', 'fixtures', 'tokenizer');
const readJson = <T>(path: string): T => JSON.parse(readFileSync(path, 'utf8')) as T;

/** Encodes, and checks the parts against one another. */
function encode(tokenizer: ClipTokenizer, text: string): number[] {
  const { ids, mask, length, endIndex, truncated } = tokenizer.encode(text);
  expect(ids).toHaveLength(77);
  expect(Array.from(mask)).toEqual(Array.from({ length: 77 }, (_, i) => (i < length ? 1 : 0)));
  expect(ids[0]).toBe(tokenizer.startId);
  expect(ids[length - 1]).toBe(tokenizer.endId);
  expect(endIndex).toBe(ids.indexOf(Math.max(...ids)));
  expect(ids.subarray(length).every((id) => id === tokenizer.padId)).toBe(true);
  expect(truncated).toBe(tokenizer.pieces(text).length > 75);
  return Array.from(ids.subarray(0, length));
}

describe('ClipTokenizer with a small vocabulary', () => {
  const tokenizer = ClipTokenizer.load(fixture);
  const { items } = readJson<{ items: { text: string; ids: number[] }[] }>(join(fixture, 'golden.json'));

  it.each(items)('$text', ({ text, ids }) => {
    expect(encode(tokenizer, text)).toEqual(ids);
  });

  it('finds special tokens inside text, and a first end token before the last', () => {
    const encoded = tokenizer.encode('a<|endoftext|> b <|STARTOFTEXT|>');
    expect(encoded.endIndex).toBe(2);
    expect(encoded.length).toBe(6);
    expect(encoded.ids[4]).toBe(tokenizer.startId);
  });

  it('shows pieces', () => {
    expect(tokenizer.pieces('The  cat’s é1')).toEqual([
      'the</w>',
      'c',
      'at</w>',
      'âĢ',
      'Ļ</w>',
      's</w>',
      'Ã',
      '©</w>',
      '1</w>',
    ]);
    expect(tokenizer.pieces('a b c d', 2)).toEqual(['a</w>', 'b</w>']);
    expect(tokenizer.pieces('\u001c \u0085\ufeff')).toEqual(['ï', '»', '¿</w>']);
  });

  it('encodes any string without an error', () => {
    fc.assert(
      fc.property(fc.string({ unit: 'binary', maxLength: 200 }), (text) => encode(tokenizer, text).length >= 2),
    );
    expect(encode(tokenizer, '\ud800')).toEqual(encode(tokenizer, '\ufffd'));
  });

  it('is quick on a prompt of 1 MB, of many words or of one', () => {
    const start = performance.now();
    for (const text of [
      'a red cat '.repeat(100_000),
      'theinandon'.repeat(100_000),
      'aaaaaaaaaa'.repeat(100_000),
      ' '.repeat(1_000_000),
    ]) {
      expect(tokenizer.encode(text).ids).toHaveLength(77);
    }
    expect(performance.now() - start).toBeLessThan(20_000);
  });

  it('refuses what is no prompt', () => {
    expect(() => tokenizer.encode('a'.repeat(10_000_001))).toThrow(
      expect.objectContaining({ code: 'INPUT_TOO_LARGE' }),
    );
    expect(() => tokenizer.encode('é'.repeat(5_000_001))).toThrow(expect.objectContaining({ code: 'INPUT_TOO_LARGE' }));
    for (const text of [undefined, null, 7, ['a']]) {
      expect(() => tokenizer.encode(text as unknown as string)).toThrow(
        expect.objectContaining({ code: 'INPUT_INVALID' }),
      );
    }
  });
});

describe.skipIf(goldenFolder === undefined)('ClipTokenizer against the originals', () => {
  interface Item {
    category: string;
    text: string;
    ids: number[];
    hf_ids?: number[];
  }
  const large = goldenFolder && ClipTokenizer.load(golden('unclip-t2i/model/tokenizer'));

  it('gives the ids of transformers, and of openai/CLIP where HTML entities do not matter', () => {
    const { items } = readJson<{ items: Item[] }>(golden('tokenizer/clip_bpe_golden.json'));
    expect(items.length).toBeGreaterThan(200);
    for (const { text, ids, hf_ids } of items) {
      expect(encode(large as ClipTokenizer, text), text).toEqual([49406, ...(hf_ids ?? ids).slice(0, 75), 49407]);
    }
  });

  it('gives the input ids that the tiny models were run with', () => {
    const { items } = readJson<{ items: { text: string; input_ids: number[] }[] }>(
      golden('tokenizer/unclip-i2i_golden.json'),
    );
    const tokenizer = ClipTokenizer.load(golden('unclip-i2i/model/tokenizer'));
    for (const { text, input_ids } of items) expect(Array.from(tokenizer.encode(text).ids), text).toEqual(input_ids);
  });

  it('gives ids and masks of the runs', () => {
    for (const run of ['run_a', 'run_b_batch', 'run_e_long_prompt']) {
      const { prompt } = readJson<{ prompt: string | string[] }>(golden(`unclip-t2i/golden/${run}.json`));
      const file = readSafetensors(golden(`unclip-t2i/golden/${run}.safetensors`));
      const prompts = [prompt].flat();
      const encoded = prompts.map((text) => (large as ClipTokenizer).encode(text));
      expect(encoded.flatMap(({ ids }) => Array.from(ids))).toEqual(file.numbers('text.input_ids'));
      expect(encoded.flatMap(({ mask }) => Array.from(mask))).toEqual(file.numbers('text.attention_mask'));
      const empty = (large as ClipTokenizer).encode('');
      expect(Array.from(empty.ids)).toEqual(file.numbers('text.uncond_input_ids').slice(0, 77));
      expect(Array.from(empty.mask)).toEqual(file.numbers('text.uncond_attention_mask').slice(0, 77));
    }
  });
});

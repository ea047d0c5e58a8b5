import { BytePairs } from './byte-pairs.js';
import { readTokenizerFiles, type TokenizerFiles } from './tokenizer-files.js';
import { CLIP_WORD, checkPrompt, strip } from './words.js';

/** A prompt as the text encoder reads it. `maxLength` is 77 for CLIP. */
export interface EncodedPrompt {
  /** [maxLength]: start token, tokens of the prompt, end token, then padding tokens. */
  ids: Int32Array;
  /** [maxLength]: 1 from the start token to the final end token, 0 for padding. */
  mask: Uint8Array;
  /** Position of the first end token, where CLIP pools. Less than length - 1 if the prompt itself holds an end token. */
  endIndex: number;
  /** Number of ones in the mask, 2 to maxLength. */
  length: number;
  /** True when tokens of the prompt were cut off because only maxLength - 2 fit. */
  truncated: boolean;
}

/**
 * CLIP's lower-case byte-pair tokenizer. Ids are those of transformers' CLIPTokenizer where ftfy would leave the text as it
 * is; openai/CLIP gives the same ids except that it also replaces HTML entities (`&amp;`) first.
 */
export class ClipTokenizer {
  /** Length of an encoded prompt, tokens. */
  readonly maxLength: number;
  readonly startId: number;
  readonly endId: number;
  readonly padId: number;
  /** One more than the largest id. */
  readonly idCount: number;
  private readonly vocabulary: ReadonlyMap<string, number>;
  private readonly unknownId: number;
  private readonly pairs: BytePairs;
  private readonly special: RegExp;

  constructor(files: TokenizerFiles) {
    const { vocabulary, bos, eos, unk, pad } = files;
    this.vocabulary = vocabulary;
    this.maxLength = files.maxLength;
    this.startId = vocabulary.get(bos)!;
    this.endId = vocabulary.get(eos)!;
    this.padId = vocabulary.get(pad)!;
    let largest = 0;
    for (const id of vocabulary.values()) largest = Math.max(largest, id);
    this.idCount = largest + 1;
    this.unknownId = vocabulary.get(unk)!;
    this.pairs = new BytePairs(files.merges);
    // Longest first: where two special tokens begin at one place, the longer one is meant.
    const texts = [...new Set([bos, eos, unk, pad])].sort((a, b) => b.length - a.length);
    this.special = new RegExp(texts.map((text) => text.replace(/[\\^$.*+?()[\]{}|]/g, '\\$&')).join('|'), 'gu');
  }

  /** Reads a tokenizer folder of a checkpoint. Throws as `readTokenizerFiles` does. */
  static load(folder: string): ClipTokenizer {
    return new ClipTokenizer(readTokenizerFiles(folder));
  }

  /**
   * Encodes a prompt: start token, at most maxLength - 2 tokens, end token, padding. The empty prompt has length 2.
   * Lone surrogates count as U+FFFD.
   * @throws UnclipError INPUT_INVALID (not a string), INPUT_TOO_LARGE (over 10 MB of UTF-8)
   */
  encode(text: string): EncodedPrompt {
    const room = this.maxLength - 2;
    const ids = new Int32Array(this.maxLength).fill(this.padId);
    let length = 0;
    let truncated = false;
    ids[length++] = this.startId;
    for (const piece of this.walk(text)) {
      if (length > room) {
        truncated = true;
        break;
      }
      ids[length++] = this.vocabulary.get(piece) ?? this.unknownId;
    }
    ids[length++] = this.endId;
    const mask = new Uint8Array(this.maxLength).fill(1, 0, length);
    return { ids, mask, endIndex: ids.indexOf(this.endId), length, truncated };
  }

  /**
   * The texts of a prompt's tokens, without start and end token; `</w>` ends a word, bytes beyond ASCII are shown in
   * GPT-2's byte alphabet.
   * @param limit the most tokens returned; all of them by default, however many the model would read
   * @throws UnclipError as `encode` does
   */
  pieces(text: string, limit = Number.POSITIVE_INFINITY): string[] {
    const result: string[] = [];
    for (const piece of this.walk(text)) {
      if (result.length >= limit) break;
      result.push(piece);
    }
    return result;
  }

  /** The prompt's pieces one by one, so that whoever has enough of a long prompt can stop. */
  private *walk(text: string): Generator<string> {
    checkPrompt(text);
    let from = 0;
    for (const match of text.matchAll(this.special)) {
      yield* this.walkPlain(text.slice(from, match.index));
      yield match[0];
      from = match.index + match[0].length;
    }
    yield* this.walkPlain(text.slice(from));
  }

  /** Pieces of text that holds no special token as it is written; lower-casing may still bring one out. */
  private *walkPlain(text: string): Generator<string> {
    for (const [word] of strip(text).toLowerCase().matchAll(CLIP_WORD)) {
      if (word === '<|startoftext|>' || word === '<|endoftext|>') {
        yield word;
        continue;
      }
      for (const symbol of this.pairs.encode(Buffer.from(word, 'utf8'))) yield this.pairs.symbols[symbol]!;
    }
  }
}

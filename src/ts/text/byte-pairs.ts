import { BYTE_ALPHABET } from './byte-alphabet.js';

/** Marks the last piece of a word. */
const WORD_END = '</w>';

/** Keys of a pair of symbols: both are below 2^20, so the key is exact in a double. */
const PAIR_BASE = 2 ** 20;

/** Byte-pair encoding of single words with CLIP's end-of-word marker (arXiv 1508.07909; transformers `CLIPTokenizer.bpe`). */
export class BytePairs {
  /** Text of each symbol. Symbols 0..255 are bytes, 256..511 bytes that end a word, the rest results of merges. */
  readonly symbols: string[];
  /** Pair of symbols → rank, the lower the earlier merged. */
  private readonly ranks = new Map<number, number>();
  /** Rank → symbol that the pair becomes. */
  private readonly merged: number[] = [];

  /** @param merges pairs of symbol texts in order of priority; a repeated pair keeps its last rank, as a Python dict does */
  constructor(merges: Iterable<readonly [string, string]>) {
    this.symbols = [...BYTE_ALPHABET, ...BYTE_ALPHABET.map((character) => character + WORD_END)];
    const numbers = new Map(this.symbols.map((text, symbol) => [text, symbol]));
    const intern = (text: string): number => {
      let symbol = numbers.get(text);
      if (symbol === undefined) {
        symbol = this.symbols.push(text) - 1;
        numbers.set(text, symbol);
      }
      return symbol;
    };
    for (const [left, right] of merges) {
      const rank = this.merged.push(intern(left + right)) - 1;
      this.ranks.set(intern(left) * PAIR_BASE + intern(right), rank);
    }
  }

  /**
   * The symbols of a word. The pair of lowest rank is merged wherever it stands, left to right, then the next; so a round
   * ends before the pairs that it created are looked at. Time is O(n log n) in the bytes of the word.
   * @param bytes the word in UTF-8, not empty
   */
  encode(bytes: Uint8Array): number[] {
    const length = bytes.length;
    const symbol = Int32Array.from(bytes);
    symbol[length - 1]! += 256;
    // A doubly linked list over the byte positions: a merged pair lives on at its first byte, the other's symbol is -1.
    const next = Int32Array.from(bytes, (_, i) => i + 1);
    const prev = Int32Array.from(bytes, (_, i) => i - 1);
    const rounds = new Rounds();
    const rankAt = (at: number): number | undefined =>
      at >= 0 && next[at]! < length ? this.ranks.get(symbol[at]! * PAIR_BASE + symbol[next[at]!]!) : undefined;
    const offer = (at: number): void => {
      const rank = rankAt(at);
      if (rank !== undefined) rounds.add(rank, at);
    };
    for (let at = 0; at < length - 1; at++) offer(at);

    for (let round = rounds.take(); round !== undefined; round = rounds.take()) {
      const changed: number[] = [];
      for (const at of round.positions) {
        if (symbol[at] === -1 || rankAt(at) !== round.rank) continue;
        const gone = next[at]!;
        symbol[at] = this.merged[round.rank]!;
        symbol[gone] = -1;
        next[at] = next[gone]!;
        if (next[at]! < length) prev[next[at]!] = at;
        changed.push(at);
      }
      for (const at of changed) {
        if (symbol[at] === -1) continue;
        offer(prev[at]!);
        offer(at);
      }
    }
    const result: number[] = [];
    for (let at = 0; at < length; at = next[at]!) result.push(symbol[at]!);
    return result;
  }
}

/** Positions waiting to be merged, by rank: a binary heap of ranks, and per rank a list of positions. */
class Rounds {
  private readonly heap: number[] = [];
  private readonly positions = new Map<number, number[]>();

  add(rank: number, at: number): void {
    const list = this.positions.get(rank);
    if (list !== undefined) {
      list.push(at);
      return;
    }
    this.positions.set(rank, [at]);
    let i = this.heap.push(rank) - 1;
    while (i > 0) {
      const parent = (i - 1) >> 1;
      if (this.heap[parent]! <= rank) break;
      this.heap[i] = this.heap[parent]!;
      i = parent;
    }
    this.heap[i] = rank;
  }

  /** Takes the lowest rank out, with its positions from left to right (some may be stale or twice there). */
  take(): { rank: number; positions: number[] } | undefined {
    const rank = this.heap[0];
    if (rank === undefined) return undefined;
    const last = this.heap.pop()!;
    if (this.heap.length > 0) this.sink(last);
    const positions = this.positions.get(rank)!.sort((a, b) => a - b);
    this.positions.delete(rank);
    return { rank, positions };
  }

  private sink(rank: number): void {
    const size = this.heap.length;
    let i = 0;
    for (let child = 1; child < size; child = 2 * i + 1) {
      if (child + 1 < size && this.heap[child + 1]! < this.heap[child]!) child++;
      if (this.heap[child]! >= rank) break;
      this.heap[i] = this.heap[child]!;
      i = child;
    }
    this.heap[i] = rank;
  }
}

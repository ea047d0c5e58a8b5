import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { BytePairs } from '../../src/ts/text/byte-pairs.js';

/** The textbook loop of openai/CLIP and transformers: quadratic, and right by inspection. */
function textbook(merges: readonly (readonly [string, string])[], word: string): string[] {
  const ranks = new Map(merges.map(([left, right], rank) => [`${left} ${right}`, rank]));
  let parts = [...word];
  parts[parts.length - 1] += '</w>';
  for (;;) {
    const candidates = parts.slice(1).map((right, i) => ranks.get(`${parts[i]} ${right}`) ?? Number.POSITIVE_INFINITY);
    const best = Math.min(...candidates);
    if (best === Number.POSITIVE_INFINITY || candidates.length === 0) return parts;
    const [left, right] = merges[best]!;
    const next: string[] = [];
    for (let i = 0; i < parts.length; i++) {
      const hit = parts[i] === left && parts[i + 1] === right;
      next.push(hit ? left + right : parts[i]!);
      if (hit) i++;
    }
    parts = next;
  }
}

describe('BytePairs', () => {
  it('agrees with the textbook loop for any table of merges, well ordered or not', () => {
    const piece = fc.string({ unit: fc.constantFrom('a', 'b', 'c'), minLength: 1, maxLength: 3 });
    const right = fc.tuple(piece, fc.boolean()).map(([text, end]) => (end ? `${text}</w>` : text));
    const table = fc.uniqueArray(fc.tuple(piece, right), { maxLength: 20, selector: ([l, r]) => `${l} ${r}` });
    const word = fc.string({ unit: fc.constantFrom('a', 'b', 'c'), minLength: 1, maxLength: 24 });
    fc.assert(
      fc.property(table, word, (merges, text) => {
        const pairs = new BytePairs(merges);
        expect(pairs.encode(Buffer.from(text)).map((symbol) => pairs.symbols[symbol])).toEqual(textbook(merges, text));
      }),
      { numRuns: 2000 },
    );
  });

  it('finishes a round before it looks at the pairs that the round made', () => {
    const pairs = new BytePairs([
      ['abc', 'a'],
      ['b', 'c'],
      ['a', 'bc'],
    ]);
    expect(pairs.encode(Buffer.from('abcabcx')).map((symbol) => pairs.symbols[symbol])).toEqual([
      'abc',
      'abc',
      'x</w>',
    ]);
  });
});

import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { CaptionBank, cosineSimilarity, knownCaptions, Unclip } from '../../src/ts/index.js';
import { packageRoot } from '../../src/ts/util/package-root.js';

const MODEL = join(packageRoot(), 'models', 'bundled');

let unclip: Unclip;
beforeAll(async () => {
  unclip = await Unclip.load(MODEL, { dtype: 'f32' });
});
afterAll(() => unclip.dispose());

describe('knownCaptions', () => {
  const info = { name: 'm', defaults: {} } as unknown as Parameters<typeof knownCaptions>[0];

  it('are every choice of words, with the article that fits', () => {
    const world = { things: ['owl', 'car'] };
    const captions = { pattern: 'a {colours} {things}', words: { colours: ['red', 'orange'] } };
    expect(knownCaptions({ ...info, world, captions })).toEqual([
      'a red owl',
      'a red car',
      'an orange owl',
      'an orange car',
    ]);
    expect(knownCaptions(info)).toEqual([]);
  });

  it('of the bundled model are 480, in words that it knows', () => {
    const captions = knownCaptions(unclip.model.info);
    expect(new Set(captions).size).toBe(480);
    expect(captions).toContain('an orange school bus on the beach');
    const words = new Set(unclip.model.info.vocabulary);
    expect(captions.flatMap((caption) => caption.split(' ')).filter((word) => !words.has(word))).toEqual([]);
  });

  it('are refused where a group is not there, or too many', () => {
    const many = Array.from({ length: 101 }, (_, i) => `w${i}`);
    expect(() => knownCaptions({ ...info, captions: { pattern: '{x}', words: {} } })).toThrow("the words 'x'");
    expect(() => knownCaptions({ ...info, captions: { pattern: '{a} {b}', words: { a: many, b: many } } })).toThrow(
      '10000',
    );
  });
});

describe('CaptionBank', () => {
  it('ranks captions as cosines do', () => {
    const captions = ['a', 'b', 'c', 'd'];
    const rows = captions.map((_, k) => Float32Array.from({ length: 5 }, (_, i) => Math.sin(7 * k + i)));
    const asked = Float32Array.from({ length: 5 }, (_, i) => 3 * Math.cos(i));
    const bank = new CaptionBank(captions, rows, 20);
    const cosines = rows.map((row) => cosineSimilarity(row, asked));
    const sum = cosines.reduce((s, c) => s + Math.exp(20 * c), 0);
    const all = bank.nearest(asked, 10);
    expect(all.map(({ text }) => text)).toEqual(
      [...captions.keys()].sort((a, b) => cosines[b]! - cosines[a]!).map((k) => captions[k]),
    );
    for (const { text, similarity, probability } of all) {
      expect(similarity).toBeCloseTo(cosines[captions.indexOf(text)]!, 6);
      expect(probability).toBeCloseTo(Math.exp(20 * cosines[captions.indexOf(text)]!) / sum, 5);
    }
    expect(bank.nearest(asked, 2)).toEqual(all.slice(0, 2));
    expect(() => bank.nearest(new Float32Array(4), 1)).toThrow('has 4 numbers');
  });

  it('says what the prior of the bundled model makes of a sentence', async () => {
    const bank = await unclip.captionBank();
    const scheduler = unclip.scheduler();
    const nearest: string[] = [];
    const [drawn] = scheduler.submit([{ prompt: 'a blue car on the beach', seed: 3 }], {
      settings: { decoderSteps: 2, superResSteps: 2 },
      onEmbedding: (embedding) => nearest.push(bank.nearest(embedding, 1)[0]!.text),
    });
    await drawn;
    expect(nearest).toHaveLength(unclip.model.info.defaults.priorSteps);
    expect(nearest.at(-1)).toBe('a blue car on the beach');
  });
});

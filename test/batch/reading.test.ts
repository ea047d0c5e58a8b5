import { describe, expect, it } from 'vitest';
import { parseBatchLine } from '../../src/ts/batch/batch-line.js';
import { contentKey } from '../../src/ts/batch/content-key.js';
import { KeySet } from '../../src/ts/batch/key-set.js';
import { type Line, readLines } from '../../src/ts/batch/lines.js';

const DEFAULTS = {
  priorSteps: 10,
  decoderSteps: 20,
  superResSteps: 4,
  priorGuidanceScale: 2,
  decoderGuidanceScale: 3,
};
const CONTEXT = { defaults: DEFAULTS, size: 256, seed: 0 };

async function* pieces(text: string, size: number): AsyncGenerator<Buffer> {
  const bytes = Buffer.from(text);
  for (let at = 0; at < bytes.length; at += size) yield bytes.subarray(at, at + size);
}

const read = async (text: string, size: number, limit?: number): Promise<Line[]> => {
  const lines: Line[] = [];
  for await (const line of readLines(pieces(text, size), limit)) lines.push(line);
  return lines;
};

describe('readLines', () => {
  it.each([1, 2, 3, 5, 1000])('gives the same lines however they are cut: %i bytes', async (size) => {
    expect(await read('\ufeffa ä\r\n\n  \nb\nlast', size)).toEqual([
      { number: 1, text: 'a ä' },
      { number: 4, text: 'b' },
      { number: 5, text: 'last' },
    ]);
  });

  it('passes over lines that are too long, and keeps count', async () => {
    const text = `${'x'.repeat(50)}\nok\n${'y'.repeat(11)}\n`;
    const expected = [
      { number: 1, text: undefined },
      { number: 2, text: 'ok' },
      { number: 3, text: undefined },
    ];
    for (const size of [4, 7, 1000]) expect(await read(text, size, 10)).toEqual(expected);
  });
});

describe('parseBatchLine', () => {
  const parse = (json: unknown, line = 3) => parseBatchLine(JSON.stringify(json), line, CONTEXT);

  it('takes the bare form with defaults from the model', () => {
    expect(parse({ prompt: 'a', n: 2, seed: 9, decoderSteps: 5, id: 'x' })).toEqual({
      line: 3,
      id: 'x',
      prompt: 'a',
      n: 2,
      seed: 9,
      settings: { ...DEFAULTS, decoderSteps: 5 },
    });
  });

  it("takes a line of OpenAI's Batch API", () => {
    const body = { model: 'dall-e-2', prompt: 'a', n: 1, size: '256x256', num_inference_steps: 7, guidance_scale: 4 };
    const line = { custom_id: 'r-1', method: 'POST', url: '/v1/images/generations', body };
    expect(parse(line)).toMatchObject({
      id: 'r-1',
      prompt: 'a',
      settings: { decoderSteps: 7, decoderGuidanceScale: 4 },
    });
    expect(() => parse({ ...line, body: { ...body, size: '1024x1024' } })).toThrow('this model draws 256x256');
    expect(() => parse({ ...line, url: '/v1/embeddings' })).toThrow('url');
  });

  it('gives lines without a seed one of their own, the same in every run', () => {
    const seeds = [1, 2, 3].map((line) => parse({ prompt: 'a' }, line).seed);
    expect(new Set(seeds).size).toBe(3);
    expect([1, 2, 3].map((line) => parse({ prompt: 'a' }, line).seed)).toEqual(seeds);
    expect(parseBatchLine('{"prompt":"a"}', 1, { ...CONTEXT, seed: 1 }).seed).not.toBe(seeds[0]);
  });

  it.each([
    ['not JSON', '{"prompt":'],
    ['not a JSON object', '["a"]'],
    ['prompt', '{"n":1}'],
    ["unknown field 'promt'", '{"prompt":"a","promt":"b"}'],
    ['n is 0', '{"prompt":"a","n":0}'],
    ['decoderSteps is 1', '{"prompt":"a","decoderSteps":1}'],
    ['seed is -1', '{"prompt":"a","seed":-1}'],
  ])('refuses what cannot be drawn: %s', (message, text) => {
    expect(() => parseBatchLine(text, 1, CONTEXT)).toThrow(message);
  });
});

describe('content keys', () => {
  const content = {
    modelHash: 'm',
    dtype: 'f32',
    weights: 'full',
    prompt: 'a',
    seed: 1,
    settings: DEFAULTS,
    format: 'png',
  };

  it('differ when anything differs that decides the picture, and do not depend on the order of settings', () => {
    const { priorSteps, ...rest } = DEFAULTS;
    expect(contentKey({ ...content, settings: { ...rest, priorSteps } })).toBe(contentKey(content));
    const others = [
      { prompt: 'b' },
      { seed: 2 },
      { modelHash: 'n' },
      { dtype: 'f16' },
      { weights: 'q8' },
      { format: 'webp' },
      { settings: { ...DEFAULTS, priorSteps: 11 } },
    ].map((change) => contentKey({ ...content, ...change }));
    expect(new Set([contentKey(content), ...others]).size).toBe(8);
  });

  it('are found again in a set that has grown, and others are not', () => {
    const keys = Array.from({ length: 5000 }, (_, seed) => contentKey({ ...content, seed }));
    const set = new KeySet();
    for (const key of [...keys, ...keys.slice(0, 100)]) set.add(key);
    expect(set.size).toBe(5000);
    expect(keys.every((key) => set.has(key))).toBe(true);
    expect(set.has(contentKey({ ...content, seed: 5000 }))).toBe(false);
    expect(set.has('0'.repeat(64))).toBe(false);
    set.add('0'.repeat(64));
    expect(set.has('0'.repeat(64))).toBe(true);
  });
});

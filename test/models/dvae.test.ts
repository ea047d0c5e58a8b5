import { describe, expect, it } from 'vitest';
import { type DvaeConfig, dvaeConfig } from '../../src/ts/models/dvae-config.js';
import { dvaeDecoderGraph } from '../../src/ts/models/dvae-decoder.js';
import { dvaeEncoderGraph } from '../../src/ts/models/dvae-encoder.js';
import { weightSize } from '../../src/ts/models/parameters.js';

/** Sizes of the published checkpoint: dall_e/encoder.py and decoder.py with their defaults. */
const PUBLISHED: DvaeConfig = { width: 256, first: 128, encoderBlocks: 2, decoderBlocks: 2, vocabulary: 8192 };
const OPTIONS = { batch: 1, height: 256, width: 256, dtype: 'f32' } as const;

/** Tensor shapes as a graph asks for them. */
function shapes(graph: ReturnType<typeof dvaeEncoderGraph>): Map<string, readonly number[]> {
  const found = new Map<string, readonly number[]>();
  for (const { weight } of graph.tensors)
    weight?.sources.forEach((name, i) => {
      found.set(name, weight.sourceShapes[i]!);
    });
  return found;
}

const encoder = shapes(dvaeEncoderGraph(PUBLISHED, OPTIONS));
const decoder = shapes(dvaeDecoderGraph(PUBLISHED, OPTIONS));
const of = (map: ReadonlyMap<string, readonly number[]>, more: Record<string, readonly number[] | undefined> = {}) => {
  return (name: string) => (name in more ? more[name] : map.get(name));
};

it('has as many parameters as the published encoder and decoder', () => {
  expect(weightSize([dvaeEncoderGraph(PUBLISHED, OPTIONS)]).parameters).toBe(53_786_240);
  expect(weightSize([dvaeDecoderGraph(PUBLISHED, OPTIONS)]).parameters).toBe(43_829_766);
});

it('gives a code for each 8 × 8 pixels, also of oblong pictures', () => {
  const o = { ...OPTIONS, height: 48, width: 64 };
  const { tensors, outputs } = dvaeEncoderGraph(PUBLISHED, o);
  expect(tensors[outputs.tokens!]).toMatchObject({ shape: [1, 48], dtype: 'u32' });
  const decoded = dvaeDecoderGraph(PUBLISHED, o);
  expect(decoded.tensors[decoded.outputs.pixels!]).toMatchObject({ shape: [1, 48, 64], dtype: 'u32' });
});

describe('sizes from tensor shapes', () => {
  it('of the published checkpoint', () => expect(dvaeConfig(of(encoder), of(decoder))).toEqual(PUBLISHED));

  it.each([
    ['no tensor blocks.input.w', of(new Map()), of(decoder)],
    ['no tensor blocks.input.w', of(encoder), of(new Map())],
    ['reads 4 channels', of(encoder, { 'blocks.input.w': [256, 4, 7, 7] }), of(decoder)],
    ['gives 3 channels', of(encoder), of(decoder, { 'blocks.output.conv.w': [3, 256, 1, 1] })],
    ['has 8192 codes, the decoder 512', of(encoder), of(decoder, { 'blocks.input.w': [128, 512, 1, 1] })],
    ['the decoder 64', of(encoder), of(decoder, { 'blocks.output.conv.w': [6, 64, 1, 1] })],
    ['4 groups', of(encoder, { 'blocks.group_4.block_1.res_path.conv_1.w': undefined }), of(decoder)],
    ['is []', of(encoder, { 'blocks.input.w': [] }), of(decoder)],
  ])('not where %s', (why, encoderOf, decoderOf) => {
    expect(() => dvaeConfig(encoderOf, decoderOf)).toThrow(
      expect.objectContaining({ code: 'MODEL_CONFIG_INVALID', message: expect.stringContaining(why) }),
    );
  });
});

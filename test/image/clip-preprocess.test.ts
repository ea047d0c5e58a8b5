import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import { ClipPreprocessor, type CropRounding } from '../../src/ts/image/clip-preprocess.js';
import { decodePicture } from '../../src/ts/image/decode.js';
import { resizeBicubic } from '../../src/ts/image/resample.js';
import { atOnce } from '../../src/ts/util/sliced.js';
import { golden, goldenFolder } from '../support/golden.js';
import { readSafetensors } from '../support/safetensors.js';

const pictures = join(import.meta.dirname, '..', 'fixtures', 'pictures');
const MEAN = [0.48145466, 0.4578275, 0.40821073];
const STD = [0.26862954, 0.26130258, 0.27577711];

/** CHW to channels last. */
const channelsLast = (data: Float32Array): Float32Array =>
  Float32Array.from({ length: data.length }, (_, i) => data[(i % 3) * (data.length / 3) + Math.floor(i / 3)]!);

describe('ClipPreprocessor', () => {
  it.each(['gray', 'small'])('%s.png becomes the bytes that Pillow gives, shrunk and enlarged', async (name) => {
    const preprocessor = ClipPreprocessor.fromJson({ size: 56, crop_size: 56 });
    const pixels = atOnce(preprocessor.apply(await decodePicture(join(pictures, `${name}.png`))));
    const bytes = Uint8Array.from(pixels, (value, i) => Math.round((value * STD[i % 3]! + MEAN[i % 3]!) * 255));
    const expected = await decodePicture(join(pictures, `${name}-clip56.png`));
    expect(Array.from(bytes)).toEqual(Array.from(expected.data));
  });

  it('ignores alpha', () => {
    const preprocessor = ClipPreprocessor.fromJson({ size: 2, crop_size: 2 });
    const rgb = atOnce(preprocessor.apply({ width: 2, height: 2, channels: 3, data: new Uint8Array(12).fill(9) }));
    const rgba = atOnce(preprocessor.apply({ width: 2, height: 2, channels: 4, data: new Uint8Array(16).fill(9) }));
    expect(rgba).toEqual(rgb);
  });

  it('has the sizes of published models by default', () => {
    expect(ClipPreprocessor.fromJson({ feature_extractor_type: 'CLIPFeatureExtractor' })).toMatchObject({
      width: 224,
      height: 224,
    });
  });

  it.each([
    [{ resample: 2 }, 'resample'],
    [{ do_center_crop: false }, 'do_center_crop'],
    [{ size: { width: 3, height: 4 } }, 'size'],
    [{ image_std: [1, 0, 1] }, 'image_std'],
    [{ size: 10, crop_size: 20 }, 'crop_size'],
  ])('refuses the config %j', (config, key) => {
    expect(() => ClipPreprocessor.fromJson(config)).toThrow(
      expect.objectContaining({ code: 'MODEL_CONFIG_INVALID', message: expect.stringContaining(key) }),
    );
  });

  it('refuses pictures that are too narrow or have too little data', () => {
    const preprocessor = ClipPreprocessor.fromJson({});
    const refused = expect.objectContaining({ code: 'INPUT_PICTURE_INVALID' });
    expect(() =>
      atOnce(preprocessor.apply({ width: 1, height: 1000, channels: 3, data: new Uint8Array(3000) })),
    ).toThrow(refused);
    expect(() => atOnce(preprocessor.apply({ width: 9, height: 9, channels: 3, data: new Uint8Array(3) }))).toThrow(
      refused,
    );
    expect(() => atOnce(preprocessor.apply({ width: 0, height: 9, channels: 3, data: new Uint8Array(0) }))).toThrow(
      refused,
    );
  });

  it('says which file is missing', () => {
    expect(() => ClipPreprocessor.load('no-such-folder')).toThrow(
      expect.objectContaining({ code: 'MODEL_FILE_MISSING' }),
    );
  });
});

describe('resizeBicubic', () => {
  it('keeps flat colours and does not ring beyond a byte', () => {
    const flat = atOnce(resizeBicubic({ width: 7, height: 5, channels: 4, data: new Uint8Array(140).fill(77) }, 13, 2));
    expect(flat).toMatchObject({ width: 13, height: 2, channels: 4 });
    expect(flat.data.every((byte) => byte === 77)).toBe(true);
    const edge = Uint8Array.from({ length: 8 * 3 }, (_, i) => (i < 12 ? 0 : 255));
    const { data } = atOnce(resizeBicubic({ width: 8, height: 1, channels: 3, data: edge }, 32, 1));
    expect([data[0], data[95]]).toEqual([0, 255]);
  });
});

describe.skipIf(goldenFolder === undefined)('ClipPreprocessor against the originals', () => {
  const CLIP = ['clip/golden.safetensors', 'clip/hf', 'clip/images'] as const;
  const I2I = [
    'unclip-i2i/golden/image_encoder.safetensors',
    'unclip-i2i/model/feature_extractor',
    'unclip-i2i/golden/images',
  ] as const;
  const cases: [string, CropRounding, string, readonly [string, string, string]][] = [
    ...['gray', 'landscape', 'portrait', 'small'].flatMap((name): typeof cases => [
      [`preprocess_hf.${name}`, 'floor', name, CLIP],
      [`preprocess_openai.${name}`, 'even', name, CLIP],
    ]),
    ...['gray', 'landscape', 'portrait', 'square_small'].map((name): (typeof cases)[0] => [
      `${name}.pixel_values`,
      'floor',
      name,
      I2I,
    ]),
  ];

  it.each(cases)('%s, to the bit (crop: %s)', async (tensor, rounding, picture, [file, config, folder]) => {
    const preprocessor = ClipPreprocessor.load(golden(config));
    const pixels = atOnce(preprocessor.apply(await decodePicture(golden(folder, `${picture}.png`)), rounding));
    expect(pixels).toEqual(channelsLast(readSafetensors(golden(file)).f32(tensor)));
  });
});

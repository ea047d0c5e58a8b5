import { STEP_PARAMS_FLOATS } from '../../diffusion/step-params.js';
import type { GraphBuilder, T } from '../../graph/builder.js';
import { KEEP_KNOWN_RECORD } from '../../ops/diffusion/keep-known.js';
import { type BenchCase, casesOf, input } from './case.js';

const picture = (g: GraphBuilder, size: number, channels: number): T => input(g, [1, size, size, channels]);

/** One reverse step of `size`×`size` latents: guidance doubles the model's rows, learned variance its channels. */
const step =
  (size: number, o: { guided: boolean; learned: boolean }) =>
  (g: GraphBuilder): undefined => {
    const shape = [1, size, size, 3];
    const model = input(g, [o.guided ? 2 : 1, size, size, o.learned ? 6 : 3], 'model');
    const latents = g.input('latents', shape, 'f32');
    const records = g.input('stepParams', [1, STEP_PARAMS_FLOATS], 'f32');
    g.diffusionStep(model, latents, g.input('noise', shape, 'f32'), records, g.state('x0', shape));
  };

/** The known part put into `size`×`size` latents. */
const masked =
  (size: number) =>
  (g: GraphBuilder): undefined => {
    const [latents, known, noise] = ['latents', 'known', 'noise'].map((name) =>
      g.input(name, [1, size, size, 3], 'f32'),
    );
    const records = g.input('records', [1, KEEP_KNOWN_RECORD], 'f32');
    g.keepKnown(latents!, known!, g.input('weights', [1, size, size], 'f32'), noise!, records);
  };

export const pictures: readonly BenchCase[] = [
  ...casesOf(
    'diffusionStep',
    {
      '64x64-guided-learned': step(64, { guided: true, learned: true }),
      '256x256': step(256, { guided: false, learned: false }),
    },
    { '1024x1024': step(1024, { guided: false, learned: false }) },
  ),
  ...casesOf('keepKnown', { '64x64': masked(64), '256x256': masked(256) }, { '1024x1024': masked(1024) }),
  ...casesOf('timestepEmbedding', {
    '1x320': (g) =>
      g.timestepEmbedding(g.input('stepParams', [1, STEP_PARAMS_FLOATS], 'f32'), 320, {
        flipSinToCos: true,
        freqShift: 0,
      }),
  }),
  ...casesOf(
    'upsampleNearest2x',
    { '32x32x64': (g) => g.upsampleNearest2x(picture(g, 32, 64)) },
    { '128x128x640': (g) => g.upsampleNearest2x(picture(g, 128, 640)) },
  ),
  ...casesOf(
    'avgPool2x',
    { '64x64x64': (g) => g.avgPool2x(picture(g, 64, 64)) },
    { '256x256x640': (g) => g.avgPool2x(picture(g, 256, 640)) },
  ),
  ...casesOf(
    'maxPool2x',
    { '64x64x64': (g) => g.maxPool2x(picture(g, 64, 64)) },
    { '256x256x256': (g) => g.maxPool2x(picture(g, 256, 256)) },
  ),
  ...casesOf(
    'bicubicResize',
    { '64x64x3-256x256': (g) => g.bicubicResize(g.input('x', [1, 64, 64, 3], 'f32'), 256, 256) },
    { '256x256x3-1024x1024': (g) => g.bicubicResize(g.input('x', [1, 256, 256, 3], 'f32'), 1024, 1024) },
  ),
  ...casesOf(
    'logitPixels',
    { '256x256x6': (g) => g.logitPixels(picture(g, 256, 6), 0.1) },
    { '1024x1024x6': (g) => g.logitPixels(picture(g, 1024, 6), 0.1) },
  ),
  ...casesOf(
    'toRgba8',
    { '256x256': (g) => g.toRgba8(g.input('x', [1, 256, 256, 3], 'f32')) },
    { '1024x1024': (g) => g.toRgba8(g.input('x', [1, 1024, 1024, 3], 'f32')) },
  ),
];

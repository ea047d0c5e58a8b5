import { describe, expect, it } from 'vitest';
import { GraphBuilder } from '../../src/ts/graph/builder.js';
import { addon } from '../../src/ts/native/addon.js';
import { DTYPES } from '../support/dtypes.js';
import { golden, goldenFolder } from '../support/golden.js';
import { errors, runOp } from '../support/op-harness.js';
import { randomStored } from '../support/rounding.js';
import { readSafetensors } from '../support/safetensors.js';
import { channelsLast, size } from '../support/shapes.js';
import { expectWithin } from '../support/within.js';

const picture = ([batch, height, width, channels]: readonly [number, number, number, number]) => ({
  batch,
  height,
  width,
  channels,
});

describe.each(DTYPES)('resize ops in %s', (dtype) => {
  it.each([[[2, 3, 5, 8]], [[3, 4, 2, 3]], [[1, 1, 1, 4]]] as const)(
    'doubles %s by nearest neighbour',
    async (shape) => {
      const x = randomStored(size(shape), 1, dtype);
      const { output } = await runOp({ dtype, inputs: { x }, build: (g) => g.upsampleNearest2x(g.input('x', shape)) });
      expect([...output]).toEqual([...addon().nearest2x(x, picture(shape))]);
    },
  );

  it.each([[[2, 6, 4, 8]], [[2, 5, 7, 12]], [[3, 4, 3, 5]]] as const)('averages 2×2 blocks of %s', async (shape) => {
    const x = randomStored(size(shape), 2, dtype);
    const { output } = await runOp({ dtype, inputs: { x }, build: (g) => g.avgPool2x(g.input('x', shape)) });
    expectWithin('avgPool2x', dtype, output, addon().avgPool2x(x, picture(shape)));
  });

  it.each([[[2, 6, 4, 8]], [[2, 5, 7, 12]], [[3, 4, 3, 5]]] as const)(
    'keeps the largest of 2×2 blocks of %s',
    async (shape) => {
      const [batch, height, width, channels] = shape;
      const x = randomStored(size(shape), 9, dtype);
      const { output } = await runOp({ dtype, inputs: { x }, build: (g) => g.maxPool2x(g.input('x', shape)) });
      const expected: number[] = [];
      for (let b = 0; b < batch; b++)
        for (let y = 0; y < height >> 1; y++)
          for (let z = 0; z < width >> 1; z++)
            for (let c = 0; c < channels; c++) {
              const at = (dy: number, dz: number): number =>
                x[((b * height + 2 * y + dy) * width + 2 * z + dz) * channels + c]!;
              expected.push(Math.max(at(0, 0), at(0, 1), at(1, 0), at(1, 1)));
            }
      expect([...output]).toEqual(expected);
    },
  );

  it.each([
    ['4× up', [2, 16, 16, 3], 64, 64],
    ['by uneven factors', [1, 13, 10, 3], 37, 64],
    ['down', [2, 40, 33, 3], 16, 11],
    ['down by a lot', [1, 100, 64, 1], 7, 3],
    ['one way each', [1, 9, 30, 4], 20, 12],
    ['to its own size', [1, 6, 7, 4], 6, 7],
    ['from a single pixel', [1, 1, 1, 3], 5, 4],
    ['to a single pixel', [1, 11, 9, 2], 1, 1],
  ] as const)('bicubic %s', async (_, shape, outHeight, outWidth) => {
    const x = randomStored(size(shape), 3, dtype);
    const { output } = await runOp({
      dtype,
      inputs: { x },
      build: (g) => g.bicubicResize(g.input('x', shape), outHeight, outWidth),
    });
    expectWithin(
      'bicubicResize',
      dtype,
      output,
      addon().bicubicAntialias(x, { ...picture(shape), outHeight, outWidth }),
    );
  });
});

describe('bicubic resize', () => {
  it.runIf(DTYPES.includes('f16'))('reads f32 latents and writes f32 in an f16 network', async () => {
    const shape = [1, 8, 8, 3] as const;
    const x = randomStored(size(shape), 4, 'f32');
    const { output } = await runOp({
      dtype: 'f16',
      inputs: { x },
      build: (g) => g.bicubicResize(g.input('x', shape, 'f32'), 32, 32, 'f32'),
    });
    expectWithin(
      'bicubicResize',
      'f32',
      output,
      addon().bicubicAntialias(x, { ...picture(shape), outHeight: 32, outWidth: 32 }),
    );
  });

  it.skipIf(goldenFolder === undefined)(
    'gives the picture that the super-resolution networks of diffusers see',
    async () => {
      const run = readSafetensors(golden('unclip-t2i', 'golden', 'run_a.safetensors'));
      const x = channelsLast(run.f32('decoder.image_small'), [1, 3, 16, 16]);
      const { output } = await runOp({
        inputs: { x },
        build: (g) => g.bicubicResize(g.input('x', [1, 16, 16, 3]), 64, 64),
      });
      const { maxAbs } = errors(output, channelsLast(run.f32('sr.image_upscaled'), [1, 3, 64, 64]));
      expect(maxAbs).toBeLessThanOrEqual(1e-5);
    },
  );

  it.each([
    ['bicubicResize', (g: GraphBuilder) => g.bicubicResize(g.input('x', [1, 4, 4, 3]), 0, 8)],
    ['bicubicResize', (g: GraphBuilder) => g.bicubicResize(g.input('x', [1, 4, 4, 3]), 8, 20000)],
    ['avgPool2x', (g: GraphBuilder) => g.avgPool2x(g.input('x', [4, 4, 3]))],
    ['avgPool2x', (g: GraphBuilder) => g.avgPool2x(g.input('x', [1, 1, 4, 3]))],
  ])('%s refuses what does not fit', (op, build) => {
    const graph = new GraphBuilder('test', { dtype: 'f32' });
    expect(() => build(graph)).toThrow(
      expect.objectContaining({ code: 'GRAPH_INVALID', message: expect.stringContaining(op) }),
    );
  });
});

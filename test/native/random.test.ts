import { fileURLToPath } from 'node:url';
import { describe, expect, it } from 'vitest';
import { TorchGenerator } from '../../src/ts/native/torch-generator.js';
import { readSafetensors } from '../support/safetensors.js';

const file = readSafetensors(fileURLToPath(new URL('../fixtures/rng/torch_cpu_randn.safetensors', import.meta.url)));
const seedOf = (name: string): number => Number(/seed(\d+)/.exec(name)![1]);
const goldens = (prefix: string): string[] => file.names.filter((name) => name.startsWith(prefix));

/** PyTorch's AVX2 log, sin and cos are not correctly rounded: it is 2.4e-7 away from this generator at most. */
const TOLERANCE = 5e-7;

function maxError(a: Float32Array, b: Float32Array): number {
  expect(a.length).toBe(b.length);
  return a.reduce((max, value, i) => Math.max(max, Math.abs(value - b[i]!)), 0);
}

describe('TorchGenerator against PyTorch 1.13', () => {
  it.each(goldens('randn.'))('%s', (name) => {
    const want = file.f32(name);
    expect(maxError(new TorchGenerator(seedOf(name)).randn([want.length]), want)).toBeLessThan(TOLERANCE);
  });

  it.each([0, 1])('draws of several shapes in a row, seed %i: the cached normal survives vectorised draws', (seed) => {
    const generator = new TorchGenerator(seed);
    const shapes = JSON.parse(file.metadata.sequence_shapes!) as number[][];
    shapes.forEach((shape, i) => {
      expect(maxError(generator.randn(shape), file.f32(`seq.seed${seed}.${i}`))).toBeLessThan(TOLERANCE);
    });
  });

  it.each(goldens('rand.'))('%s, to the bit', (name) => {
    expect(new TorchGenerator(seedOf(name)).rand([20])).toEqual(file.f32(name));
  });

  it.each(goldens('randint_u32.'))('%s, to the bit', (name) => {
    const drawn = new TorchGenerator(seedOf(name)).randint(0, 2 ** 32 - 1, [10]);
    expect(Array.from(drawn)).toEqual(file.numbers(name));
  });
});

describe('TorchGenerator', () => {
  it('uses the low 32 bits of a seed, of negative and of large ones too', () => {
    const draw = (seed: number | bigint) => new TorchGenerator(seed).rand([4]);
    expect(draw(2 ** 32 + 7)).toEqual(draw(7));
    expect(draw(-1)).toEqual(draw(2 ** 32 - 1));
    expect(draw((1n << 80n) + 7n)).toEqual(draw(7));
  });

  it('stores channels last what it draws channels first', () => {
    const [batch, channels, height, width] = [2, 3, 4, 5];
    const shape = [batch, channels, height, width];
    const first = new TorchGenerator(3).randn(shape);
    const last = new TorchGenerator(3).randn(shape, 'channelsLast');
    for (let b = 0; b < batch; b++)
      for (let c = 0; c < channels; c++)
        for (let p = 0; p < height * width; p++)
          expect(last[(b * height * width + p) * channels + c]).toBe(first[(b * channels + c) * height * width + p]);
  });

  it('keeps the layout of a shape without height and width', () => {
    expect(new TorchGenerator(3).randn([2, 16], 'channelsLast')).toEqual(new TorchGenerator(3).randn([2, 16]));
  });

  it('draws nothing for an empty shape', () => {
    const generator = new TorchGenerator(5);
    expect(generator.randn([0, 3]).length).toBe(0);
    expect(generator.rand([4])).toEqual(new TorchGenerator(5).rand([4]));
  });

  it('draws integers in range', () => {
    const values = new TorchGenerator(1).randint(-3, 4, [1000]);
    expect(new Set(values)).toEqual(new Set([-3, -2, -1, 0, 1, 2, 3]));
    expect(new TorchGenerator(1).randint(0, 2 ** 53 - 1, [100]).every((v) => Number.isSafeInteger(v) && v >= 0)).toBe(
      true,
    );
  });

  it.each([Number.NaN, 1.5, Number.POSITIVE_INFINITY, 2 ** 60])('refuses the seed %d', (seed) => {
    expect(() => new TorchGenerator(seed)).toThrow(expect.objectContaining({ code: 'INPUT_INVALID' }));
  });

  it('refuses shapes that are not, or are too large', () => {
    const generator = new TorchGenerator(0);
    expect(() => generator.randn([2.5])).toThrow(expect.objectContaining({ code: 'INPUT_INVALID' }));
    expect(() => generator.randn([-1])).toThrow(expect.objectContaining({ code: 'INPUT_INVALID' }));
    expect(() => generator.randn([2 ** 20, 2 ** 20])).toThrow(expect.objectContaining({ code: 'INPUT_TOO_LARGE' }));
    expect(() => generator.randint(5, 5, [1])).toThrow(expect.objectContaining({ code: 'INPUT_INVALID' }));
  });
});

import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import fc from 'fast-check';
import { afterAll, describe, expect, it } from 'vitest';
import { pad4, type WeightRequest } from '../../src/ts/graph/weights-spec.js';
import { addon } from '../../src/ts/native/addon.js';
import { packedBytes, packInto } from '../../src/ts/weights/pack.js';
import { openWeights } from '../../src/ts/weights/weights.js';
import { randomArray } from '../support/op-harness.js';
import { quantize } from '../support/quantized.js';
import { f32Tensor, type TensorToWrite, writeSafetensors } from '../support/safetensors-writer.js';
import { size } from '../support/shapes.js';

const folder = mkdtempSync(join(tmpdir(), 'unclip-quantize-'));
afterAll(() => rmSync(folder, { recursive: true }));

interface Packed {
  readonly values: Int8Array;
  readonly scales: Float32Array;
}

/** Both parts of a matrix, packed into memory full of ones, so that padding left alone would show. */
function pack(tensors: Record<string, TensorToWrite>, request: WeightRequest): Packed {
  const path = join(folder, 'x.safetensors');
  writeSafetensors(path, tensors);
  const weights = openWeights(path);
  try {
    const part = (quantized: 'values' | 'scales'): ArrayBuffer => {
      const wanted = { ...request, quantized };
      const bytes = new Uint8Array(packedBytes(wanted, 'f32')).fill(0xff);
      packInto(weights, wanted, bytes, 'f32');
      return bytes.buffer;
    };
    return { values: new Int8Array(part('values')), scales: new Float32Array(part('scales')) };
  } finally {
    weights.close();
  }
}

/** Sources [O_s, I, kh, kw] side by side: values [kh, kw, I, pad4(ΣO)], scales [pad4(ΣO)]. */
function byDefinition(sources: readonly Float32Array[], shapes: readonly (readonly number[])[]): Packed {
  const inputs = shapes[0]![1]!;
  const taps = size(shapes[0]!.slice(2));
  const stride = pad4(shapes.reduce((sum, shape) => sum + shape[0]!, 0));
  const values = new Int8Array(taps * inputs * stride);
  const scales = new Float32Array(stride);
  let column = 0;
  sources.forEach((source, s) => {
    const [outputs] = shapes[s]!;
    const q = quantize(source, outputs!);
    for (let o = 0; o < outputs!; o++, column++) {
      scales[column] = q.scales[o]!;
      for (let i = 0; i < inputs; i++)
        for (let t = 0; t < taps; t++)
          values[(t * inputs + i) * stride + column] = q.values[(o * inputs + i) * taps + t]!;
    }
  });
  return { values, scales };
}

function expectPacked(shapes: readonly number[][], sources: readonly Float32Array[], packing: 'transpose' | 'conv') {
  const names = shapes.map((_, s) => `w${s}`);
  const tensors = Object.fromEntries(names.map((name, s) => [name, f32Tensor(shapes[s]!, sources[s]!)]));
  const packed = pack(tensors, { sources: names, packing, sourceShapes: shapes });
  expect(packed).toEqual(byDefinition(sources, shapes));
}

/** Values whose largest magnitude differs from output to output. */
const weightsOf = (shape: readonly number[], seed: number): Float32Array => {
  const inner = size(shape) / shape[0]!;
  return randomArray(size(shape), seed).map((v, i) => v * 10 ** (((Math.floor(i / inner) * 7) % 11) - 5));
};

describe('weights in 8 bits', () => {
  it('are what the definition says for linear weights side by side', () => {
    const outputs = fc.array(fc.integer({ min: 1, max: 70 }), { minLength: 1, maxLength: 3 });
    fc.assert(
      fc.property(outputs, fc.integer({ min: 1, max: 150 }), fc.nat(1000), (ns, k, seed) => {
        const shapes = ns.map((n) => [n, k]);
        const sources = shapes.map((shape, s) => weightsOf(shape, seed + s));
        expectPacked(shapes, sources, 'transpose');
      }),
      { numRuns: 40 },
    );
  });

  it('are what the definition says for convolutions', () => {
    const extents = fc.tuple(fc.nat(44), fc.nat(44), fc.nat(3), fc.nat(3)).map((shape) => shape.map((n) => n + 1));
    fc.assert(
      fc.property(extents, fc.nat(1000), (shape, seed) => expectPacked([shape], [weightsOf(shape, seed)], 'conv')),
      { numRuns: 40 },
    );
  });

  it('are what the definition says by several threads', () => {
    const shape = [300, 260];
    expectPacked([shape], [weightsOf(shape, 3)], 'transpose');
  });

  it('round ties to even, keep the largest value whole, and are never off by more than half a scale', () => {
    const w = Float32Array.of(127, 0.5, 1.5, -2.5, -127, 126.5, 3.499, -0.5);
    const { values, scales } = pack(
      { w: f32Tensor([1, 8], w) },
      { sources: ['w'], packing: 'transpose', sourceShapes: [[1, 8]] },
    );
    expect([...scales]).toEqual([1, 0, 0, 0]);
    expect(Array.from({ length: 8 }, (_, k) => values[4 * k])).toEqual([127, 0, 2, -2, -127, 126, 3, 0]);
    const random = weightsOf([9, 333], 1);
    const q = quantize(random, 9);
    random.forEach((v, i) => {
      expect(Math.abs(v - q.restored[i]!)).toBeLessThanOrEqual(q.scales[Math.floor(i / 333)]! * 0.50001);
    });
  });

  it('are zero where the weights are, or are too small for a scale', () => {
    const w = Float32Array.of(0, -0, 0, 0, 1e-45, -1e-45, 4e-44, 0);
    const { values, scales } = pack(
      { w: f32Tensor([2, 4], w) },
      { sources: ['w'], packing: 'transpose', sourceShapes: [[2, 4]] },
    );
    expect(values.every((v) => v === 0)).toBe(true);
    expect(scales.every((v) => v === 0)).toBe(true);
  });

  it('come from every stored dtype', () => {
    const halves = addon().convert(new Uint16Array([0x3c00, 0xc000, 0x4200, 0x4400]), 'F16', 'f32');
    const bytes = (view: ArrayBufferView) => new Uint8Array(view.buffer, view.byteOffset, view.byteLength);
    const tensors: Record<string, TensorToWrite> = {
      F16: { dtype: 'F16', shape: [2, 2], data: bytes(Uint16Array.of(0x3c00, 0xc000, 0x4200, 0x4400)) },
      BF16: { dtype: 'BF16', shape: [2, 2], data: bytes(Uint16Array.of(0x3f80, 0xc000, 0x4040, 0x4080)) },
      F64: { dtype: 'F64', shape: [2, 2], data: bytes(Float64Array.of(1, -2, 3, 4)) },
    };
    for (const name of Object.keys(tensors)) {
      const request: WeightRequest = { sources: [name], packing: 'transpose', sourceShapes: [[2, 2]] };
      expect(pack(tensors, request), name).toEqual(byDefinition([halves], [[2, 2]]));
    }
  });

  it('say which tensor has values that 8 bits cannot hold', () => {
    for (const wrong of [Number.NaN, Number.POSITIVE_INFINITY, Number.NEGATIVE_INFINITY]) {
      const tensors = { w: f32Tensor([2, 2], [1, wrong, 3, wrong]) };
      const request: WeightRequest = { sources: ['w'], packing: 'transpose', sourceShapes: [[2, 2]] };
      expect(() => pack(tensors, request)).toThrow(
        expect.objectContaining({ code: 'MODEL_TENSOR_DTYPE', message: expect.stringContaining('2 values of w') }),
      );
    }
  });
});

describe('the addon itself', () => {
  it('refuses ranges and offsets that do not fit', () => {
    const path = join(folder, 'y.safetensors');
    writeSafetensors(path, { w: f32Tensor([4, 4], weightsOf([4, 4], 1)) });
    const file = new (addon().TensorFile)(path);
    const invalid = expect.objectContaining({ code: 'INPUT_INVALID' });
    const matrix = { byteOffset: 0, outputs: 4, inputs: 4, taps: 1, stride: 4, column: 0, zeros: 0 };
    expect(file.packQuantized(0, new Uint8Array(16), matrix)).toBe(0);
    for (const wrong of [{ outputs: 5 }, { taps: 2 }, { column: 1 }, { zeros: 1 }, { stride: 3 }, { byteOffset: 1 }])
      expect(() => file.packQuantized(0, new Uint8Array(16), { ...matrix, ...wrong })).toThrow(invalid);
    const scales = { byteOffset: 0, outputs: 4, zeros: 0 };
    expect(file.quantizationScales(0, new Uint8Array(16), scales)).toBe(0);
    for (const wrong of [{ outputs: 3 }, { outputs: 0 }, { zeros: 1 }, { byteOffset: 4 }, { zeros: 2 ** 53 - 1 }])
      expect(() => file.quantizationScales(0, new Uint8Array(16), { ...scales, ...wrong })).toThrow(invalid);
    file.close();
    expect(() => file.packQuantized(0, new Uint8Array(16), matrix)).toThrow(invalid);
  });
});

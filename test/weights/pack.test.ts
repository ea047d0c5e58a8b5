import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import fc from 'fast-check';
import { afterAll, describe, expect, it } from 'vitest';
import { pad4, type WeightRequest } from '../../src/ts/graph/weights-spec.js';
import { addon } from '../../src/ts/native/addon.js';
import { packedBytes, packInto } from '../../src/ts/weights/pack.js';
import { openWeights, type Weights } from '../../src/ts/weights/weights.js';
import { f32Tensor, type TensorToWrite, writeSafetensors } from '../support/safetensors-writer.js';

const folder = mkdtempSync(join(tmpdir(), 'unclip-pack-'));
afterAll(() => rmSync(folder, { recursive: true }));

/** Distinct numbers that f16 holds exactly. */
const ramp = (count: number, from = 1): Float32Array =>
  Float32Array.from({ length: count }, (_, i) => ((from + i) % 2048) / 4);
const product = (shape: readonly number[]): number => shape.reduce((a, b) => a * b, 1);

function withWeights<R>(tensors: Record<string, TensorToWrite>, use: (weights: Weights) => R): R {
  const path = join(folder, 'x.safetensors');
  writeSafetensors(path, tensors);
  const weights = openWeights(path);
  try {
    return use(weights);
  } finally {
    weights.close();
  }
}

/** Packs into memory full of ones, so that padding left alone would show. */
function pack(weights: Weights, request: WeightRequest, dtype: 'f32' | 'f16'): Float32Array {
  const bytes = new Uint8Array(packedBytes(request, dtype)).fill(0x3c);
  packInto(weights, request, bytes, dtype);
  const f16 = dtype === 'f16' && request.packing !== 'vector';
  return addon().convert(bytes, f16 ? 'F16' : 'F32', 'f32');
}

/** [O_s, I, kh, kw] sources side by side → [kh, kw, I, pad4(ΣO)]. */
function packedByDefinition(sources: Float32Array[], shapes: number[][]): Float32Array {
  const inputs = shapes[0]![1]!;
  const taps = product(shapes[0]!.slice(2));
  const stride = pad4(shapes.reduce((sum, shape) => sum + shape[0]!, 0));
  const out = new Float32Array(taps * inputs * stride);
  let column = 0;
  sources.forEach((source, s) => {
    for (let o = 0; o < shapes[s]![0]!; o++, column++)
      for (let i = 0; i < inputs; i++)
        for (let t = 0; t < taps; t++) out[(t * inputs + i) * stride + column] = source[(o * inputs + i) * taps + t]!;
  });
  return out;
}

const dtypes = fc.constantFrom('f32' as const, 'f16' as const);

describe('packInto', () => {
  it('transposes and fuses linear weights', () => {
    const outputs = fc.array(fc.integer({ min: 1, max: 70 }), { minLength: 1, maxLength: 3 });
    fc.assert(
      fc.property(outputs, fc.integer({ min: 1, max: 70 }), dtypes, (ns, k, dtype) => {
        const shapes = ns.map((n) => [n, k]);
        const values = shapes.map((shape, s) => ramp(product(shape), s * 100));
        const names = ns.map((_, s) => `w${s}`);
        const tensors = Object.fromEntries(names.map((name, s) => [name, f32Tensor(shapes[s]!, values[s]!)]));
        const request: WeightRequest = { sources: names, packing: 'transpose', sourceShapes: shapes };
        withWeights(tensors, (w) => expect(pack(w, request, dtype)).toEqual(packedByDefinition(values, shapes)));
      }),
      { numRuns: 60 },
    );
  });

  it('turns conv weights to taps, inputs, outputs', () => {
    const extents = fc
      .tuple(fc.nat(44), fc.nat(44), fc.nat(3), fc.nat(3))
      .map((shape) => shape.map((extent) => extent + 1));
    fc.assert(
      fc.property(extents, dtypes, (shape, dtype) => {
        const values = ramp(product(shape));
        const request: WeightRequest = { sources: ['w'], packing: 'conv', sourceShapes: [shape] };
        withWeights({ w: f32Tensor(shape, values) }, (w) =>
          expect(pack(w, request, dtype)).toEqual(packedByDefinition([values], [shape])),
        );
      }),
      { numRuns: 60 },
    );
  });

  it('packs a matrix by several threads', () => {
    const shape = [515, 700];
    const values = ramp(product(shape));
    const request: WeightRequest = { sources: ['w'], packing: 'transpose', sourceShapes: [shape] };
    withWeights({ w: f32Tensor(shape, values) }, (w) =>
      expect(pack(w, request, 'f32')).toEqual(packedByDefinition([values], [shape])),
    );
  });

  it('concatenates vectors in f32, whatever the dtype, and pads them with zeros', () => {
    const request: WeightRequest = { sources: ['a', 'b'], packing: 'vector', sourceShapes: [[3], [1, 2]] };
    const tensors = { a: f32Tensor([3], [0.1, 2, 3]), b: f32Tensor([1, 2], [4, 70000]) };
    withWeights(tensors, (w) => expect(pack(w, request, 'f16')).toEqual(Float32Array.of(0.1, 2, 3, 4, 70000, 0, 0, 0)));
  });

  it('copies tables, an odd number of f16 values padded to 4 bytes', () => {
    const request: WeightRequest = { sources: ['t'], packing: 'copy', sourceShapes: [[3, 1]] };
    withWeights({ t: f32Tensor([3, 1], [1, -2, 0.5]) }, (w) => {
      expect(pack(w, request, 'f32')).toEqual(Float32Array.of(1, -2, 0.5));
      expect(pack(w, request, 'f16')).toEqual(Float32Array.of(1, -2, 0.5, 0));
    });
  });

  it('reads every stored dtype', () => {
    const bytes = (view: ArrayBufferView) => new Uint8Array(view.buffer, view.byteOffset, view.byteLength);
    const tensors: Record<string, TensorToWrite> = {
      U8: { dtype: 'U8', shape: [2, 2], data: Uint8Array.of(1, 2, 3, 4) },
      BOOL: { dtype: 'BOOL', shape: [2, 2], data: Uint8Array.of(1, 0, 1, 1) },
      F16: { dtype: 'F16', shape: [2, 2], data: bytes(Uint16Array.of(0x3c00, 0x4000, 0x4200, 0x4400)) },
      BF16: { dtype: 'BF16', shape: [2, 2], data: bytes(Uint16Array.of(0x3f80, 0x4000, 0x4040, 0x4080)) },
      F64: { dtype: 'F64', shape: [2, 2], data: bytes(Float64Array.of(1, 2, 3, 4)) },
      I64: { dtype: 'I64', shape: [2, 2], data: bytes(BigInt64Array.of(1n, 2n, 3n, 4n)) },
    };
    withWeights(tensors, (w) => {
      for (const name of Object.keys(tensors)) {
        const request: WeightRequest = { sources: [name], packing: 'transpose', sourceShapes: [[2, 2]] };
        const [a, b, c, d] = name === 'BOOL' ? [1, 0, 1, 1] : [1, 2, 3, 4];
        expect(pack(w, request, 'f32')).toEqual(Float32Array.of(a!, c!, 0, 0, b!, d!, 0, 0));
      }
    });
  });

  it('takes a 1×1 convolution for a linear weight and back', () => {
    const values = ramp(6);
    const asked = (shape: number[], packing: 'transpose' | 'conv'): WeightRequest => ({
      sources: ['w'],
      packing,
      sourceShapes: [shape],
    });
    const want = packedByDefinition([values], [[2, 3]]);
    withWeights({ w: f32Tensor([2, 3, 1, 1], values) }, (w) =>
      expect(pack(w, asked([2, 3], 'transpose'), 'f32')).toEqual(want),
    );
    withWeights({ w: f32Tensor([2, 3], values) }, (w) =>
      expect(pack(w, asked([2, 3, 1, 1], 'conv'), 'f32')).toEqual(want),
    );
  });

  it('says which tensor is missing, has another shape, or does not fit f16', () => {
    const request: WeightRequest = { sources: ['w'], packing: 'transpose', sourceShapes: [[2, 2]] };
    const packing = (tensors: Record<string, TensorToWrite>) => () =>
      withWeights(tensors, (w) => pack(w, request, 'f16'));
    expect(packing({ v: f32Tensor([2, 2], ramp(4)) })).toThrow(
      expect.objectContaining({ code: 'MODEL_TENSOR_MISSING', message: expect.stringContaining('no tensor w') }),
    );
    expect(packing({ w: f32Tensor([2, 3], ramp(6)) })).toThrow(
      expect.objectContaining({
        code: 'MODEL_TENSOR_SHAPE',
        message: expect.stringContaining('w is [2, 3], expected [2, 2]'),
      }),
    );
    expect(packing({ w: f32Tensor([2, 2], [1, 2, 70000, Number.POSITIVE_INFINITY]) })).toThrow(
      expect.objectContaining({ code: 'MODEL_TENSOR_DTYPE', message: expect.stringContaining('1 values of w exceed') }),
    );
  });

  it('refuses a destination of another size', () => {
    const request: WeightRequest = { sources: ['w'], packing: 'copy', sourceShapes: [[4]] };
    withWeights({ w: f32Tensor([4], ramp(4)) }, (w) => {
      for (const size of [0, 12, 20]) {
        const call = () => packInto(w, request, new Uint8Array(size), 'f32');
        expect(call).toThrow(expect.objectContaining({ code: 'INPUT_INVALID' }));
      }
    });
  });
});

describe('the addon itself', () => {
  it('refuses ranges and offsets that do not fit', () => {
    const path = join(folder, 'y.safetensors');
    writeSafetensors(path, { w: f32Tensor([4, 4], ramp(16)) });
    const file = new (addon().TensorFile)(path);
    const target = new Uint8Array(64);
    const invalid = expect.objectContaining({ code: 'INPUT_INVALID' });
    const copy = { f16: false, byteOffset: 0, zeros: 0 };
    const matrix = {
      f16: false,
      byteOffset: 0,
      outputs: 4,
      inputs: 4,
      taps: 1,
      stride: 4,
      column: 0,
      zeros: 0,
    };
    expect(file.copy(0, target, copy)).toBe(0);
    expect(file.pack(0, target, matrix)).toBe(0);
    for (const wrong of [{ zeros: 1 }, { byteOffset: 4 }, { byteOffset: 65 }, { zeros: -1 }])
      expect(() => file.copy(0, target, { ...copy, ...wrong })).toThrow(invalid);
    for (const wrong of [
      { outputs: 5 },
      { taps: 2 },
      { inputs: 2 ** 31 },
      { column: 1 },
      { zeros: 1 },
      { stride: 3 },

      { byteOffset: 1 },
      { stride: 2 ** 30 },
    ])
      expect(() => file.pack(0, target, { ...matrix, ...wrong })).toThrow(invalid);
    expect(() => file.copy(1, target, copy)).toThrow(invalid);
    expect(() => file.copy(0, [] as unknown as Uint8Array, copy)).toThrow(invalid);
    file.close();
    expect(() => file.copy(0, target, copy)).toThrow(invalid);
  });
});

import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import fc from 'fast-check';
import { afterAll, describe, expect, it } from 'vitest';
import type { WeightRequest } from '../../src/ts/graph/weights-spec.js';
import { MappedWeights, type TensorRole } from '../../src/ts/weights/mapped-weights.js';
import { packedBytes, packInto } from '../../src/ts/weights/pack.js';
import { SafetensorsFile } from '../../src/ts/weights/safetensors-file.js';
import type { TensorSource } from '../../src/ts/weights/stored-tensor.js';
import { openWeights } from '../../src/ts/weights/weights.js';
import { f32Tensor, writeSafetensors } from '../support/safetensors-writer.js';

const folder = mkdtempSync(join(tmpdir(), 'unclip-mapped-'));
afterAll(() => rmSync(folder, { recursive: true }));

const path = join(folder, 'x.safetensors');
const values = (count: number): number[] => Array.from({ length: count }, (_, i) => Math.sin(i * 12.9) * 7);

function packed(source: TensorSource, request: WeightRequest, dtype: 'f32' | 'f16'): Uint8Array {
  const bytes = new Uint8Array(packedBytes(request, dtype)).fill(0x3c);
  packInto(source, request, bytes, dtype);
  return bytes;
}

const kinds = fc.constantFrom(
  { packing: 'transpose' } as const,
  { packing: 'transpose', quantized: 'values' } as const,
  { packing: 'transpose', quantized: 'scales' } as const,
  { packing: 'copy' } as const,
);

describe('MappedWeights', () => {
  it('packs parts and transposes as if the file held them so', () => {
    const extent = fc.integer({ min: 1, max: 70 });
    fc.assert(
      fc.property(extent, extent, kinds, fc.constantFrom('f32' as const, 'f16' as const), (n, k, kind, dtype) => {
        const stacked = values(3 * n * k);
        const plain = [0, 1, 2].map((i) => stacked.slice(i * n * k, (i + 1) * n * k));
        const turned = plain[0]!.map((_, i) => plain[0]![(i % n) * k + Math.floor(i / n)]!);
        const file = {
          q: f32Tensor([n, k], plain[0]!),
          k: f32Tensor([n, k], plain[1]!),
          v: f32Tensor([n, k], plain[2]!),
          all: f32Tensor([3 * n, k], stacked),
          turned: f32Tensor([k, n], turned),
        };
        writeSafetensors(path, file);
        const weights = openWeights(path);
        const roles: Record<string, TensorRole> = {
          q: { name: 'turned', transposed: true },
          k: { name: 'all', rows: { index: 1, of: 3 } },
          v: { name: 'all', rows: { index: 2, of: 3 } },
        };
        const mapped = new MappedWeights(weights, (name) => roles[name]);
        for (const sources of kind.packing === 'copy' ? [['q'], ['v']] : [['q'], ['k', 'v'], ['v', 'q']]) {
          const request: WeightRequest = { ...kind, sources, sourceShapes: sources.map(() => [n, k]) };
          expect(packed(mapped, request, dtype)).toEqual(packed(weights, request, dtype));
        }
        weights.close();
      }),
      { numRuns: 60 },
    );
  });

  it('takes a third of a vector', () => {
    writeSafetensors(path, { bias: f32Tensor([6], [1, 2, 3, 4, 5, 6]) });
    const weights = openWeights(path);
    const mapped = new MappedWeights(weights, () => ({ name: 'bias', rows: { index: 1, of: 3 } }));
    const bytes = packed(mapped, { sources: ['k'], packing: 'vector', sourceShapes: [[2]] }, 'f32');
    expect(new Float32Array(bytes.buffer)).toEqual(Float32Array.of(3, 4, 0, 0));
    weights.close();
  });

  it('names the stored tensor whose shape does not fit, and what has no place', () => {
    writeSafetensors(path, { all: f32Tensor([7, 2], values(14)) });
    const weights = openWeights(path);
    const role: TensorRole = { name: 'all', rows: { index: 0, of: 3 } };
    const mapped = new MappedWeights(weights, (name) => (name === 'q' ? role : undefined));
    expect(() => mapped.get('q')).toThrow(
      expect.objectContaining({ code: 'MODEL_TENSOR_SHAPE', message: expect.stringContaining('all is [7, 2]') }),
    );
    expect(() => mapped.get('other')).toThrow(expect.objectContaining({ code: 'MODEL_TENSOR_MISSING' }));
    weights.close();
  });

  it('reads no byte outside the tensor, whatever part is asked for', () => {
    writeSafetensors(path, { a: f32Tensor([2, 3], values(6)), b: f32Tensor([6], values(6)) });
    const file = new SafetensorsFile(path);
    const ask = (part: { first: number; elements: number; columns: number }) => () =>
      file.copy('a', new Uint8Array(64), { f16: false, byteOffset: 0, zeros: 0, part });
    expect(ask({ first: 1, elements: 5, columns: 0 })).not.toThrow();
    for (const part of [
      { first: 7, elements: 0, columns: 0 },
      { first: 2, elements: 5, columns: 0 },
      { first: 0, elements: 6, columns: 4 },
      { first: -1, elements: 2, columns: 0 },
      { first: 0, elements: 2 ** 53, columns: 0 },
      { first: 0.5, elements: 1, columns: 0 },
    ])
      expect(ask(part)).toThrow(expect.objectContaining({ code: 'INPUT_INVALID' }));
    file.close();
  });
});

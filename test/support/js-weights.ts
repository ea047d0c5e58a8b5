import type { WeightRequest } from '../../src/ts/graph/weights-spec.js';
import { pad4 } from '../../src/ts/graph/weights-spec.js';
import type { WeightSource } from '../../src/ts/runtime/residency.js';
import { halfBits } from '../../src/ts/util/half.js';
import { type Quantized, quantize } from './quantized.js';

/** A checkpoint in memory, packed in plain JavaScript: independent of the addon that real checkpoints go through. */
export function jsWeights(tensors: Readonly<Record<string, Float32Array>>): WeightSource {
  return {
    pack(request: WeightRequest, destination: Uint8Array, dtype: 'f32' | 'f16'): void {
      const view = new DataView(destination.buffer, destination.byteOffset, destination.byteLength);
      if (request.quantized === 'values') {
        packed(
          request,
          mapped(request, tensors, (q) => Float32Array.from(q.values)),
        ).forEach((v, i) => {
          view.setInt8(i, v);
        });
        return;
      }
      const values =
        request.quantized === 'scales'
          ? packed(
              { ...request, packing: 'vector' },
              mapped(request, tensors, (q) => q.scales),
            )
          : packed(request, tensors);
      values.forEach((v, i) => {
        if (dtype === 'f32') view.setFloat32(4 * i, v, true);
        else view.setUint16(2 * i, halfBits(v), true);
      });
    },
  };
}

/** The sources of a matrix in 8 bits, one part of each. */
function mapped(
  { sources, sourceShapes }: WeightRequest,
  tensors: Readonly<Record<string, Float32Array>>,
  part: (q: Quantized) => Float32Array,
): Record<string, Float32Array> {
  return Object.fromEntries(sources.map((name, i) => [name, part(quantize(tensors[name]!, sourceShapes[i]![0]!))]));
}

function packed(request: WeightRequest, tensors: Readonly<Record<string, Float32Array>>): Float32Array {
  const sources = request.sources.map((name) => {
    const data = tensors[name];
    if (data === undefined) throw new Error(`the test gave no weight '${name}'`);
    return data;
  });
  if (request.packing === 'copy') return sources[0]!;
  if (request.packing === 'vector') {
    const flat = sources.flatMap((s) => [...s]);
    const out = new Float32Array(pad4(flat.length));
    out.set(flat);
    return out;
  }
  const columns = request.sourceShapes.map((s) => s[0]!);
  const total = pad4(columns.reduce((a, b) => a + b, 0));
  const inner = request.sourceShapes[0]!.slice(1).reduce((a, b) => a * b, 1);
  const out = new Float32Array(inner * total);
  let offset = 0;
  sources.forEach((source, i) => {
    for (let n = 0; n < columns[i]!; n++)
      for (let k = 0; k < inner; k++) out[destinationRow(request, k) * total + offset + n] = source[n * inner + k]!;
    offset += columns[i]!;
  });
  return out;
}

/** Row of [kh, kw, I] for flat index k of PyTorch's [I, kh, kw]; the index itself for a linear weight. */
function destinationRow(request: WeightRequest, k: number): number {
  if (request.packing === 'transpose') return k;
  const [, channels, kh, kw] = request.sourceShapes[0] as [number, number, number, number];
  const taps = kh * kw;
  return (k % taps) * channels + Math.floor(k / taps);
}

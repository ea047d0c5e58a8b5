import { transposed } from '../lib/layout.mjs';

/**
 * A packed weight as ONNX has it: matrices [K, N] and vectors [N] without their padding, filters [O, I, kh, kw].
 * @param {import('../../../dist/graph/types.js').Tensor} tensor a weight of a graph
 * @param {import('../../../dist/runtime/residency.js').WeightSource} source
 * @returns {{ shape: readonly number[], data: Float32Array }}
 */
export function constantOf({ shape, weight }, source) {
  const packed = new Float32Array(shape.reduce((a, b) => a * b, 1));
  source.pack(weight, new Uint8Array(packed.buffer), 'f32');
  if (weight.packing === 'copy') return { shape, data: packed };
  const sizes = weight.sourceShapes.map((s) => (weight.packing === 'vector' ? s.reduce((a, b) => a * b, 1) : s[0]));
  const outputs = sizes.reduce((a, b) => a + b, 0);
  const data = withoutPadding(packed, shape.at(-1), outputs);
  const unpadded = [...shape.slice(0, -1), outputs];
  if (weight.packing !== 'conv') return { shape: unpadded, data };
  const [kh, kw, inputs] = unpadded;
  return { shape: [outputs, inputs, kh, kw], data: transposed(data, unpadded, [3, 2, 0, 1]) };
}

/** The first `kept` of every `row` numbers. @param {Float32Array} values @param {number} row @param {number} kept */
function withoutPadding(values, row, kept) {
  if (row === kept) return values;
  const rows = values.length / row;
  const result = new Float32Array(rows * kept);
  for (let i = 0; i < rows; i++) result.set(values.subarray(i * row, i * row + kept), i * kept);
  return result;
}

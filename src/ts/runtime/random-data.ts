import type { CompiledGraph } from '../graph/compile.js';
import { elementCount, type Tensor, tensorBytes } from '../graph/types.js';
import { pad4, type WeightRequest } from '../graph/weights-spec.js';
import { fromHalfBits, halfBits, toHalfArray } from '../util/half.js';
import type { WeightSource } from './residency.js';

/**
 * Random numbers repeat after so many: a prime, so that no two rows of a matrix are alike. Tensors of a hundred million numbers are
 * then filled at the speed of a copy.
 */
const PERIOD = 1048573;

/** Seeded uniform numbers of mean 0 and variance 1. */
export function uniform(length: number, seed: number): Float32Array {
  const next = generator(seed);
  const values = new Float32Array(length);
  for (let i = 0; i < Math.min(length, PERIOD); i++) values[i] = (next() / 2 ** 32 - 0.5) * Math.sqrt(12);
  return repeated(values);
}

/** Fills an array with its first {@link PERIOD} elements over and over. */
function repeated<A extends Float32Array | Uint16Array>(values: A): A {
  for (let filled = PERIOD; filled < values.length; filled *= 2) values.copyWithin(filled, 0, filled);
  return values;
}

/** `f` of numbers that repeat, computed once for each. */
function mapRepeated(values: Float32Array, f: (value: number) => number): Float32Array {
  for (let i = 0; i < Math.min(values.length, PERIOD); i++) values[i] = f(values[i]!);
  return repeated(values);
}

/** Numbers that repeat, in f16. */
function halves(values: Float32Array): Uint16Array {
  const bits = new Uint16Array(values.length);
  bits.set(toHalfArray(values.subarray(0, PERIOD)));
  return repeated(bits);
}

/** Seeded 32-bit numbers (Mulberry32: one multiply-xorshift round of a counter). */
function generator(seed: number): () => number {
  let state = Math.imul(seed + 1, 0x9e3779b1);
  return () => {
    state = (state + 0x6d2b79f5) | 0;
    let t = Math.imul(state ^ (state >>> 15), state | 1);
    t ^= t + Math.imul(t ^ (t >>> 7), t | 61);
    return (t ^ (t >>> 14)) >>> 0;
  };
}

/** A number that depends on a text alone: the seed of what bears that name. */
export function seedOf(text: string): number {
  let hash = 0x811c9dc5;
  for (let i = 0; i < text.length; i++) hash = Math.imul(hash ^ text.charCodeAt(i), 0x01000193);
  return hash >>> 0;
}

/**
 * Values for an input of a graph that nobody filled: floats of unit variance as the tensor's type stores them, and indices
 * that lie within what they point into.
 */
export function randomInput(compiled: CompiledGraph, id: number, seed: number): Float32Array | Uint32Array {
  const tensor = compiled.tensors[id]!;
  const count = elementCount(tensor.shape);
  if (tensor.dtype === 'u32') {
    const next = generator(seed);
    const bound = indexBound(compiled, id);
    return Uint32Array.from({ length: count }, () => next() % bound);
  }
  const values = uniform(count, seed);
  return tensor.dtype === 'f16' ? mapRepeated(values, (v) => fromHalfBits(halfBits(v))) : values;
}

/** The same as bytes. */
export function randomInputBytes(compiled: CompiledGraph, id: number, seed: number): Uint8Array {
  const tensor = compiled.tensors[id]!;
  const values = randomInput(compiled, id, seed);
  return bytesOf(tensor, tensor.dtype === 'f16' ? halves(values as Float32Array) : values);
}

/** Rows that an index operand may name. */
function indexBound({ nodes }: CompiledGraph, id: number): number {
  for (const { node, call } of nodes) {
    if (!node.inputs.includes(id)) continue;
    if (node.op === 'embedding') return call.inputs[1]!.shape[0]!;
    if (node.op === 'gatherRows') return call.inputs[0]!.shape[1]!;
  }
  return 2;
}

/** The bytes of values in a tensor's own type. */
export const storedBytes = (tensor: Tensor, values: Float32Array | Uint32Array): Uint8Array =>
  bytesOf(tensor, tensor.dtype === 'f16' ? toHalfArray(values) : values);

function bytesOf(tensor: Tensor, data: Float32Array | Uint32Array | Uint16Array): Uint8Array {
  const bytes = new Uint8Array(tensorBytes(tensor));
  bytes.set(new Uint8Array(data.buffer, data.byteOffset, data.byteLength));
  return bytes;
}

/**
 * Weights that no checkpoint has: uniform, matrices of variance 1 / (inputs of an output) so that products stay near unit
 * variance, padding zero; in 8 bits, scales that make them as large. The same seed gives a weight of the same name the same numbers.
 */
export function randomWeights(seed = 1): WeightSource {
  return {
    pack(request, destination, dtype) {
      const { values, repeats } = randomWeight(request, seed);
      const stored =
        request.quantized === 'values'
          ? Int8Array.from(values)
          : dtype !== 'f16'
            ? values
            : repeats
              ? halves(values)
              : toHalfArray(values);
      destination.set(new Uint8Array(stored.buffer, stored.byteOffset, destination.byteLength));
    },
  };
}

/** What a uniform number of variance 1, which ends at √3, is multiplied by to fill 8 bits. */
const LARGEST = 127 / Math.sqrt(3);

/** Values of a packed weight, and whether they repeat: not where padding breaks the rows. */
function randomWeight(
  { sources, packing, sourceShapes, quantized }: WeightRequest,
  seed: number,
): { values: Float32Array; repeats: boolean } {
  const shape = sourceShapes[0]!;
  const name = seed ^ seedOf(sources.join('+'));
  if (packing === 'copy') return { values: uniform(evenly(elementCount(shape)), name), repeats: true };
  const matrix = packing === 'transpose' || packing === 'conv';
  const inputs = matrix ? elementCount(shape.slice(1)) : 1;
  const outputs = sourceShapes.reduce((sum, s) => sum + (matrix ? s[0]! : elementCount(s)), 0);
  const row = pad4(outputs);
  const usual = matrix ? 1 / Math.sqrt(inputs) : 1;
  const value =
    quantized === 'scales'
      ? (v: number) => (usual / LARGEST) * (1 + 0.2 * v)
      : quantized === 'values'
        ? (v: number) => Math.round(v * LARGEST)
        : (v: number) => v * usual;
  const count = quantized === 'scales' ? row : inputs * row;
  const values = mapRepeated(uniform(count, name), value);
  if (row === outputs) return { values, repeats: true };
  for (let i = 0; i < values.length; i++) if (i % row >= outputs) values[i] = 0;
  return { values, repeats: false };
}

/** Next multiple of 2: storage is cut in 32-bit words. */
const evenly = (count: number): number => (count + 1) & ~1;

import { readFileSync } from 'node:fs';

/**
 * One operation at one shape, as suite.json has it; torch_ops.py reads the same file. Sizes by op:
 * matmul m, k, n (with bias) · conv height, width, in, out (3×3, stride 1, padding 1, bias, one picture) · attention queries,
 * context (further keys), heads, headDim · groupNorm height, width, channels, groups · layerNorm rows, channels · softmax
 * batch, rows, columns.
 * @typedef {{ id: string, op: string, dtype?: 'f32' | 'f16' } & Record<string, number>} Case
 */

/** @param {'software' | 'hardware'} kind of adapter @returns {Case[]} */
export const suite = (kind) =>
  JSON.parse(readFileSync(new URL('../suite.json', import.meta.url), 'utf8'))[kind].map((c) => ({
    dtype: 'f32',
    ...c,
  }));

/** Epsilon of both norms. */
export const EPS = 1e-5;

/** Shapes of what goes in and comes out, channels last; weights as [inputs, outputs] and [kh, kw, in, out]. @param {Case} c */
export function shapesOf(c) {
  switch (c.op) {
    case 'matmul':
      return { x: [c.m, c.k], weight: [c.k, c.n], bias: [c.n], output: [c.m, c.n] };
    case 'conv':
      return {
        x: [1, c.height, c.width, c.in],
        weight: [3, 3, c.in, c.out],
        bias: [c.out],
        output: [1, c.height, c.width, c.out],
      };
    case 'attention': {
      const width = c.heads * c.headDim;
      const keys = c.queries + c.context;
      return { q: [1, c.queries, width], k: [1, keys, width], v: [1, keys, width], output: [1, c.queries, width] };
    }
    case 'groupNorm': {
      const x = [1, c.height, c.width, c.channels];
      return { x, gamma: [c.channels], beta: [c.channels], output: x };
    }
    case 'layerNorm': {
      const x = [c.rows, c.channels];
      return { x, gamma: [c.channels], beta: [c.channels], output: x };
    }
    case 'softmax': {
      const x = [c.batch, c.rows, c.columns];
      return { x, output: x };
    }
    default:
      throw new Error(`suite.json: there is no op '${c.op}'`);
  }
}

/** Arithmetic of the products, a multiply-add counting 2; 0 for norms and softmax, which memory bounds. @param {Case} c */
export function flopsOf(c) {
  const elements = elementCount(shapesOf(c).output);
  switch (c.op) {
    case 'matmul':
      return 2 * c.m * c.k * c.n;
    case 'conv':
      return 2 * 9 * c.in * elements;
    case 'attention':
      return 4 * c.queries * (c.queries + c.context) * c.heads * c.headDim;
    default:
      return 0;
  }
}

/** Bytes when every operand is read once and the result written once. @param {Case} c */
export const bytesOf = (c) =>
  Object.values(shapesOf(c)).reduce((sum, shape) => sum + elementCount(shape), 0) * (c.dtype === 'f16' ? 2 : 4);

/** @param {readonly number[]} shape */
export const elementCount = (shape) => shape.reduce((a, b) => a * b, 1);

/**
 * The same operands in every process: uniform of unit variance, weights scaled by 1/√(inputs), gamma around 1.
 * @param {Case} c @returns {Record<string, Float32Array>} by the names of {@link shapesOf}
 */
export function operandsOf(c) {
  const operands = {};
  let seed = 1;
  for (const [name, shape] of Object.entries(shapesOf(c))) {
    if (name === 'output') continue;
    const scale = name === 'weight' ? elementCount(shape.slice(0, -1)) ** -0.5 : 1;
    const values = uniform(elementCount(shape), seed++);
    const offset = name === 'gamma' ? 1 : 0;
    for (let i = 0; i < values.length; i++) values[i] = values[i] * scale * (name === 'gamma' ? 0.1 : 1) + offset;
    operands[name] = values;
  }
  return operands;
}

/** Seeded uniform numbers of mean 0 and variance 1 (Mulberry32). @param {number} length @param {number} seed */
export function uniform(length, seed) {
  const values = new Float32Array(length);
  let state = Math.imul(seed, 0x9e3779b1);
  for (let i = 0; i < length; i++) {
    state = (state + 0x6d2b79f5) | 0;
    let t = Math.imul(state ^ (state >>> 15), state | 1);
    t ^= t + Math.imul(t ^ (t >>> 7), t | 61);
    values[i] = (((t ^ (t >>> 14)) >>> 0) / 2 ** 32 - 0.5) * Math.sqrt(12);
  }
  return values;
}

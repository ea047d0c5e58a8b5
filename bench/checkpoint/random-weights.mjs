// Random f16 weights, fast enough for gigabytes: one block of normal deviates, cut at random places and scaled.
import { TorchGenerator } from '../../dist/native/torch-generator.js';
import { toHalfArray } from '../../dist/util/half.js';

const BLOCK = 2 ** 20;

/** Gains of norms near 1, biases near 0, matrices that keep the variance of what they are given: activations stay in f16's range. */
function distribution(name, shape) {
  const count = shape.reduce((a, b) => a * b, 1);
  if (name === 'clip_std') return { mean: 1, deviation: 0 };
  if (shape.length > 1) return { mean: 0, deviation: Math.sqrt(shape[0] / count) };
  return { mean: name.endsWith('weight') ? 1 : 0, deviation: 0.02 };
}

export class RandomWeights {
  /** @param {number} seed */
  constructor(seed) {
    this.normal = new TorchGenerator(seed).randn([BLOCK]);
    this.blocks = new Map();
    this.state = seed >>> 0;
  }

  /** The block under a mean and a deviation, as bytes of f16. */
  block({ mean, deviation }) {
    const key = `${mean}/${deviation}`;
    if (!this.blocks.has(key)) {
      const halves = toHalfArray(this.normal.map((v) => mean + deviation * v));
      this.blocks.set(key, Buffer.from(halves.buffer));
    }
    return this.blocks.get(key);
  }

  /**
   * The bytes of a tensor, piece by piece.
   * @param {string} name its name in the checkpoint, @param {readonly number[]} shape
   */
  *bytes(name, shape) {
    const block = this.block(distribution(name, shape));
    let left = 2 * shape.reduce((a, b) => a * b, 1);
    while (left > 0) {
      this.state = (Math.imul(this.state, 1664525) + 1013904223) >>> 0;
      // At least half of the block follows the start, so that pieces stay large.
      const start = 2 * (this.state % (BLOCK / 2));
      const piece = block.subarray(start, Math.min(block.length, start + left));
      yield piece;
      left -= piece.length;
    }
  }
}

import { UnclipError } from '../util/errors.js';
import { addon, type NativeGenerator } from './addon.js';

/**
 * 'same': in the order PyTorch draws and stores. 'channelsLast': drawn as [..., C, H, W], as PyTorch does, and stored as
 * [..., H, W, C], as the engine's activations lie.
 */
export type NoiseLayout = 'same' | 'channelsLast';

/**
 * torch.Generator('cpu').manual_seed(seed): the noise that diffusers draws for this seed, within 1e-6 for normal draws
 * (PyTorch's own log and cos differ that much by CPU) and to the bit for uniform and integer ones.
 */
export class TorchGenerator {
  readonly #native: NativeGenerator;

  /**
   * @param seed an integer; only its low 32 bits matter, as in PyTorch
   * @throws UnclipError INPUT_INVALID where the seed is not an integer that is held exactly
   */
  constructor(seed: number | bigint) {
    if (typeof seed === 'number' && !Number.isSafeInteger(seed)) {
      throw new UnclipError('INPUT_INVALID', `seed ${seed} is not an integer below 2^53; use a smaller seed`);
    }
    this.#native = new (addon().Generator)(Number(BigInt.asUintN(32, BigInt(seed))));
  }

  /**
   * torch.randn(shape): one flat draw over the whole shape.
   * @throws UnclipError INPUT_INVALID where an extent is not an integer of 0 or more; INPUT_TOO_LARGE above 2^29 elements
   */
  randn(shape: readonly number[], layout: NoiseLayout = 'same'): Float32Array {
    const values = this.#native.randn(count(shape));
    return layout === 'same' ? values : channelsLast(values, shape);
  }

  /** torch.rand(shape): multiples of 2^-24 in [0, 1). Throws as randn does. */
  rand(shape: readonly number[]): Float32Array {
    return this.#native.rand(count(shape));
  }

  /** torch.randint(low, high, shape): integers in [low, high), high - low at most 2^53. Throws as randn does. */
  randint(low: number, high: number, shape: readonly number[]): Float64Array {
    if (!Number.isSafeInteger(low) || !Number.isSafeInteger(high) || high <= low || high - low > 2 ** 53) {
      throw new UnclipError('INPUT_INVALID', `randint needs integers low < high, got ${low} and ${high}`);
    }
    return this.#native.randint(count(shape), high - low).map((value) => value + low);
  }
}

const MAX_DRAWS = 2 ** 29;

function count(shape: readonly number[]): number {
  let product = 1;
  for (const extent of shape) {
    if (!Number.isSafeInteger(extent) || extent < 0) {
      throw new UnclipError(
        'INPUT_INVALID',
        `shape [${shape.join(', ')}] has an extent that is not an integer of 0 or more`,
      );
    }
    product *= extent;
  }
  if (product > MAX_DRAWS) {
    throw new UnclipError(
      'INPUT_TOO_LARGE',
      `shape [${shape.join(', ')}] has more than 2^29 elements; draw less at once`,
    );
  }
  return product;
}

/** [..., C, H, W] → [..., H, W, C]; a shape of fewer than three dimensions has no such order and stays. */
function channelsLast(values: Float32Array, shape: readonly number[]): Float32Array {
  if (shape.length < 3) return values;
  const [channels, height, width] = shape.slice(-3) as [number, number, number];
  const pixels = height * width;
  const image = channels * pixels;
  const out = new Float32Array(values.length);
  for (let base = 0; base < values.length; base += image) {
    for (let c = 0; c < channels; c++) {
      for (let p = 0; p < pixels; p++) out[base + p * channels + c] = values[base + c * pixels + p]!;
    }
  }
  return out;
}

import { UnclipError } from '../util/errors.js';

/**
 * The u32 that seeds the generator of image `index` of a request: the low 32 bits of seed + index, which is all that
 * PyTorch's generator uses of a seed.
 *
 * A generator's stream is PyTorch's CPU `randn` (what diffusers does with a list of generators). It draws, stage after stage
 * (prior, decoder, upsampler; a stage that a pipeline lacks draws nothing): first the stage's starting noise, then one noise per
 * reverse step from the noisiest on, but none at the last step, where t == 0. Each draw is one flat `randn` call over the image's
 * own sample in PyTorch's order (channels first), without the batch axis: so a picture does not depend on the batch that it was
 * made in.
 * @param seed a whole number, 0 to 2^53 - 1
 * @throws UnclipError INPUT_INVALID
 */
export function imageSeed(seed: number, index: number): number {
  if (!Number.isSafeInteger(seed) || seed < 0) {
    throw new UnclipError('INPUT_INVALID', `seed is ${seed}; give a whole number, 0 to ${Number.MAX_SAFE_INTEGER}`);
  }
  return ((seed % 2 ** 32) + index) % 2 ** 32;
}

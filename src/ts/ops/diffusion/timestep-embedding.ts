import { countAttr, misfit, numberAttr, required, requireRank } from '../checks.js';
import { flatGrid, ioDefines, outputElements } from '../flat.js';
import { operandBytes, params, readWrite } from '../lowering.js';
import type { OpRecord } from '../types.js';

/** Bits of a frequency index that the kernel's immediates hold a factor for. */
const INDEX_BITS = 12;
const MAX_PERIOD = 10000;

/** x in [0, 1) as a fraction of 2³². */
const fixed32 = (x: number): number => Math.min(Math.round(x * 2 ** 32), 2 ** 32 - 1);

/**
 * exp(−ln(10000) · 2^bit / divisor) for every bit of a frequency index: the frequency of index i is the product over its set
 * bits, which the kernel forms in fixed point (an f32 exponential would move the angle of t = 1000 by 1e-4).
 */
function frequencyFactors(divisor: number): number[] {
  return Array.from({ length: INDEX_BITS }, (_, bit) =>
    fixed32(Math.exp((-Math.log(MAX_PERIOD) * 2 ** bit) / divisor)),
  );
}

/**
 * diffusers' get_timestep_embedding (models/embeddings.py): frequencies exp(−ln(10000) · i / (half − freqShift)), i < half =
 * ⌊dim/2⌋; sines then cosines of t · frequency, swapped by flipSinToCos; an odd `dim` ends in a zero. stepParams f32 [B, 16] →
 * [B, dim]. t is not negative.
 */
export const timestepEmbedding: OpRecord = {
  name: 'timestepEmbedding',
  summary: 'Sinusoidal embedding of the timestep, its angles in fixed point.',
  infer(inputs, attrs) {
    const steps = required('timestepEmbedding', inputs, 0);
    requireRank('timestepEmbedding', steps, 2, '[B, 16]');
    if (steps.dtype !== 'f32') misfit('timestepEmbedding', `${steps.name} must be f32, not ${steps.dtype}`);
    const dim = countAttr('timestepEmbedding', attrs, 'dim');
    if (dim < 2 || dim >> 1 > 1 << INDEX_BITS)
      misfit('timestepEmbedding', `dim ${dim} is not within 2 to ${2 << INDEX_BITS}`);
    return [[steps.shape[0]!, dim]];
  },
  variants: [
    {
      name: 'portable',
      supports: () => true,
      lower(call) {
        const [steps, out] = [call.inputs[0]!, call.outputs[0]!];
        const [batch, dim] = out.shape as [number, number];
        const half = dim >> 1;
        // Index i of an image handles one sine and its cosine; one more clears the padding of an odd dim.
        const perImage = half + (dim % 2);
        const count = batch * perImage;
        const factors = frequencyFactors(half - numberAttr('timestepEmbedding', call.attrs, 'freqShift'));
        const flags = call.attrs.flipSinToCos === true ? 1 : 0;
        const words = params(count, dim, steps.shape[1]!, flags, ...factors);
        return [
          {
            shader: 'diffusion/timestep-embedding',
            defines: ioDefines(1, steps, out),
            constants: {},
            bindings: [readWrite(steps), readWrite(out)],
            params: words,
            grid: flatGrid(count),
          },
        ];
      },
    },
  ],
  flops: (call) => 20 * outputElements(call),
  bytes: operandBytes,
  tolerance: { f32: { relL2: 5e-7, maxAbs: 1e-6 }, f16: { relL2: 3e-4, maxAbs: 5e-4 } },
};

import type { Tensor } from '../../graph/types.js';
import { elementCount } from '../../graph/types.js';
import { misfit, required } from '../checks.js';
import { flatGrid, ioDefines, outputElements, vectorWidth } from '../flat.js';
import { lastDim, operandBytes, params, readWrite } from '../lowering.js';
import type { OpRecord } from '../types.js';

/** Numbers an image: scale and noise of the known picture, scale and noise of the sample. */
export const KEEP_KNOWN_RECORD = 4;

const same = (a: readonly number[], b: readonly number[]): boolean =>
  a.length === b.length && a.every((n, i) => n === b[i]);

/**
 * Masked sampling as in RePaint (arXiv 2201.09865, formulas 8): w · (a·known + b·noise) + (1 − w) · (c·latents + d·noise).
 * Operands: latents f32 [B, …, C], known and noise likewise, weights f32 [B, …] (1 keeps what is known, 0 leaves the sample),
 * records f32 [B, 4] = (a, b, c, d). Result: latents, written in place. Noise is not read where b and d are 0.
 */
export const keepKnown: OpRecord = {
  name: 'keepKnown',
  summary: 'Puts the known part of a picture, noised, into a sample, and noises the rest back; in place.',
  infer(inputs) {
    const latents = required('keepKnown', inputs, 0);
    const [known, weights] = [required('keepKnown', inputs, 1), required('keepKnown', inputs, 2)];
    const [noise, records] = [required('keepKnown', inputs, 3), required('keepKnown', inputs, 4)];
    for (const t of [latents, known, weights, noise, records])
      if (t.dtype !== 'f32') misfit('keepKnown', `${t.name} must be f32, not ${t.dtype}`);
    for (const t of [known, noise])
      if (!same(t.shape, latents.shape)) misfit('keepKnown', `${t.name} [${t.shape}] is not [${latents.shape}]`);
    if (!same(weights.shape, latents.shape.slice(0, -1)))
      misfit('keepKnown', `weights [${weights.shape}] are not one a position of [${latents.shape}]`);
    if (!same(records.shape, [latents.shape[0]!, KEEP_KNOWN_RECORD]))
      misfit('keepKnown', `records [${records.shape}] are not [${latents.shape[0]}, ${KEEP_KNOWN_RECORD}]`);
    return [latents.shape];
  },
  variants: [
    {
      name: 'portable',
      supports: () => true,
      lower(call) {
        const [latents, ...others] = call.inputs as readonly [Tensor, ...Tensor[]];
        const width = vectorWidth(lastDim(latents));
        const count = elementCount(latents.shape) / width;
        return [
          {
            shader: 'diffusion/keep-known',
            defines: ioDefines(width, latents, latents),
            constants: {},
            bindings: [latents, ...others].map(readWrite),
            params: params(count, count / latents.shape[0]!, lastDim(latents) / width),
            grid: flatGrid(count),
          },
        ];
      },
    },
  ],
  flops: (call) => 9 * outputElements(call),
  bytes: operandBytes,
  tolerance: { f32: { relL2: 5e-7, maxAbs: 4e-6 }, f16: { relL2: 5e-7, maxAbs: 4e-6 } },
};

import type { Tensor } from '../../graph/types.js';
import { elementCount } from '../../graph/types.js';
import { misfit, required } from '../checks.js';
import { flatGrid, ioDefines, vectorWidth } from '../flat.js';
import { lastDim, operandBytes, params, readWrite } from '../lowering.js';
import type { OpRecord } from '../types.js';

const RECORD = 16;

const same = (a: readonly number[], b: readonly number[]): boolean =>
  a.length === b.length && a.every((n, i) => n === b[i]);

/** modelOut [B or 2B, …, C or 2C] against latents [B, …, C]. */
function fitsLatents(model: Tensor, latents: Tensor): boolean {
  const halves = model.shape[0]! / latents.shape[0]!;
  const widths = lastDim(model) / lastDim(latents);
  const inner = same(model.shape.slice(1, -1), latents.shape.slice(1, -1));
  return inner && model.shape.length === latents.shape.length && [1, 2].includes(halves) && [1, 2].includes(widths);
}

/**
 * Classifier-free guidance and one reverse step of a sampler; formulas in src/ts/diffusion/step-params.ts. Operands:
 * modelOut [B or 2B, …, C or 2C], latents f32 [B, …, C], noise f32 like latents, stepParams f32 [B, 16]. Results: latents,
 * written in place, and x0 f32 like latents.
 */
export const diffusionStep: OpRecord = {
  name: 'diffusionStep',
  summary: 'Guidance, prediction of x₀, posterior mean and noise of one reverse diffusion step, in place.',
  infer(inputs) {
    const [model, latents] = [required('diffusionStep', inputs, 0), required('diffusionStep', inputs, 1)];
    const [noise, steps] = [required('diffusionStep', inputs, 2), required('diffusionStep', inputs, 3)];
    for (const t of [latents, noise, steps])
      if (t.dtype !== 'f32') misfit('diffusionStep', `${t.name} must be f32, not ${t.dtype}`);
    if (!same(noise.shape, latents.shape)) misfit('diffusionStep', `noise [${noise.shape}] is not [${latents.shape}]`);
    if (!same(steps.shape, [latents.shape[0]!, RECORD]))
      misfit('diffusionStep', `stepParams [${steps.shape}] is not [${latents.shape[0]}, ${RECORD}]`);
    if (!fitsLatents(model, latents))
      misfit('diffusionStep', `model output [${model.shape}] does not fit latents [${latents.shape}]`);
    return [latents.shape, latents.shape];
  },
  variants: [
    {
      name: 'portable',
      supports: () => true,
      lower(call) {
        const [model, latents, noise, steps] = call.inputs as readonly [Tensor, Tensor, Tensor, Tensor];
        const [, x0] = call.outputs as readonly [Tensor, Tensor];
        const width = vectorWidth(lastDim(latents));
        const elements = elementCount(latents.shape);
        const [count, perImage] = [elements / width, elements / latents.shape[0]! / width];
        const modelWidth = lastDim(model) / width;
        // The conditional half comes second; without guidance there is only one.
        const conditional = call.attrs.guided === true ? count * (lastDim(model) / lastDim(latents)) : 0;
        return [
          {
            shader: 'diffusion/step',
            defines: {
              ...ioDefines(width, model, latents),
              GUIDED: call.attrs.guided === true,
              LEARNED_VARIANCE: call.attrs.learnedVariance === true,
            },
            constants: {},
            bindings: [readWrite(model), readWrite(latents), readWrite(noise), readWrite(steps), readWrite(x0)],
            params: params(count, perImage, lastDim(latents) / width, modelWidth, conditional),
            grid: flatGrid(count),
          },
        ];
      },
    },
  ],
  flops: (call) => 20 * elementCount(call.outputs[0]!.shape),
  bytes: operandBytes,
  tolerance: { f32: { relL2: 1e-6, maxAbs: 1e-5 }, f16: { relL2: 1e-3, maxAbs: 2e-2 } },
};

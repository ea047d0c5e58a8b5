import { ACTIVATIONS, type Activation } from '../activations.js';
import { misfit, required } from '../checks.js';
import { flatGrid, imageVectorWidth, ioDefines, outputElements } from '../flat.js';
import { operandBytes, params, readWrite } from '../lowering.js';
import type { OpRecord } from '../types.js';

/** Element-wise SiLU, exact GELU (erf), x · sigmoid(1.702 x) or max(x, 0); any shape. */
export const activation: OpRecord = {
  name: 'activation',
  summary: 'Element-wise SiLU, GELU (erf), quick GELU or ReLU.',
  infer(inputs, attrs) {
    const act = attrs.act;
    if (typeof act !== 'string' || act === 'none' || !(act in ACTIVATIONS))
      misfit('activation', `there is no activation '${act}'`);
    return [required('activation', inputs, 0).shape];
  },
  variants: [
    {
      name: 'portable',
      supports: () => true,
      lower(call) {
        const [x, out] = [call.inputs[0]!, call.outputs[0]!];
        const elements = outputElements(call);
        const width = imageVectorWidth(out);
        return [
          {
            shader: 'elementwise/activation',
            defines: { ...ioDefines(width, x, out), KIND: ACTIVATIONS[call.attrs.act as Activation] },
            constants: {},
            bindings: [readWrite(x), readWrite(out)],
            params: params(elements / width),
            grid: flatGrid(elements / width),
          },
        ];
      },
    },
  ],
  flops: (call) => 10 * outputElements(call),
  bytes: operandBytes,
  tolerance: { f32: { relL2: 5e-7, maxAbs: 2e-6 }, f16: { relL2: 4e-4, maxAbs: 3e-3 } },
};

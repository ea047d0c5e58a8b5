import { numberAttr, required } from '../checks.js';
import { vectorWidth } from '../flat.js';
import { f32Bits, grid1d, lastDim, operandBytes, params, readWrite, rowsOf, storageDefines } from '../lowering.js';
import type { Kernel, OpCall, OpRecord, Variant } from '../types.js';

/** Invocations of a workgroup of softmax-subgroup, at least one subgroup. */
const SUBGROUP_LANES = 128;

/** A kernel over `rowsPerGroup` rows a workgroup. */
function rowKernel(
  call: OpCall,
  shader: string,
  rowsPerGroup: number,
  lanes: Readonly<Record<string, number>>,
): Kernel {
  const [x, out] = [call.inputs[0]!, call.outputs[0]!];
  const width = vectorWidth(lastDim(x));
  return {
    shader,
    defines: { ...storageDefines(call.dtype), VEC4: width === 4, ...lanes },
    constants: {},
    bindings: [readWrite(x), readWrite(out)],
    params: params(rowsOf(x), lastDim(x) / width, f32Bits(call.attrs.scale as number)),
    grid: grid1d(Math.ceil(rowsOf(x) / rowsPerGroup)),
  };
}

const cpu: Variant = {
  name: 'cpu',
  supports: (_, caps) => caps.software && caps.subgroupSize > 0,
  lower: (call, caps) => [rowKernel(call, 'norm/softmax-cpu', 1, { SUBGROUP: caps.subgroupSize })],
};

const subgroup: Variant = {
  name: 'subgroup',
  supports: (_, caps) => caps.subgroupSize > 0 && caps.subgroupSize <= caps.maxInvocations,
  lower(call, caps) {
    const rows = Math.max(1, Math.floor(Math.min(SUBGROUP_LANES, caps.maxInvocations) / caps.subgroupSize));
    return [rowKernel(call, 'norm/softmax-subgroup', rows, { SUBGROUP: caps.subgroupSize, ROWS: rows })];
  },
};

const portable: Variant = {
  name: 'portable',
  supports: () => true,
  lower: (call) => [rowKernel(call, 'norm/softmax-portable', 1, {})],
};

/** exp(scale · x) over its sum along the last dimension; −∞ masks an element, a row of nothing else becomes uniform. */
export const softmax: OpRecord = {
  name: 'softmax',
  summary: 'Softmax of scale · x over the last dimension.',
  infer(inputs, attrs) {
    const x = required('softmax', inputs, 0);
    numberAttr('softmax', attrs, 'scale');
    return [x.shape];
  },
  variants: [cpu, subgroup, portable],
  flops: (call) => 5 * rowsOf(call.inputs[0]!) * lastDim(call.inputs[0]!),
  bytes: operandBytes,
  tolerance: { f32: { relL2: 2e-6, maxAbs: 2e-6 }, f16: { relL2: 5e-4, maxAbs: 5e-4 } },
};

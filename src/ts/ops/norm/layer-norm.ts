import { misfit, numberAttr, required } from '../checks.js';
import { vectorWidth } from '../flat.js';
import {
  f32Bits,
  grid1d,
  lastDim,
  operandBytes,
  params,
  read,
  readWrite,
  rowsOf,
  storageDefines,
} from '../lowering.js';
import { subgroupRange } from '../subgroup-range.js';
import type { DeviceCaps, OpCall, OpRecord, Variant } from '../types.js';
import { type SharedRow, sharedRows } from './subgroup-rows.js';

/** Channels that are read at once. */
const valWidth = (call: OpCall): 1 | 4 => vectorWidth(lastDim(call.inputs[0]!));

/** A kernel over `rowsPerGroup` rows a workgroup. */
function rowKernel(call: OpCall, shader: string, rowsPerGroup: number, lanes: Readonly<Record<string, number>>) {
  const [x, gamma, beta] = [call.inputs[0]!, call.inputs[1]!, call.inputs[2] ?? null];
  const width = valWidth(call);
  return {
    shader,
    defines: { ...storageDefines(call.dtype), VEC4: width === 4, ...lanes },
    constants: {},
    bindings: [readWrite(x), read(gamma), read(beta), readWrite(call.outputs[0]!)],
    params: params(rowsOf(x), lastDim(x) / width, beta === null ? 0 : 1, f32Bits(call.attrs.eps as number)),
    grid: grid1d(Math.ceil(rowsOf(x) / rowsPerGroup)),
  };
}

const portable: Variant = {
  name: 'portable',
  supports: () => true,
  lower: (call) => [rowKernel(call, 'norm/layer-norm-portable', 1, {})],
};

const cpu: Variant = {
  name: 'cpu',
  supports: (_, caps) => caps.software && caps.subgroupSize > 0,
  lower: (call, caps) => [rowKernel(call, 'norm/layer-norm-cpu', 1, { SUBGROUP: caps.subgroupSize })],
};

/** Invocations of a workgroup of layer-norm-subgroup, at least those of one row. */
const SUBGROUP_LANES = 128;

/** Ways to share a row among subgroups. */
const shares = (call: OpCall, caps: DeviceCaps): readonly SharedRow[] =>
  sharedRows(lastDim(call.inputs[0]!) / valWidth(call), valWidth(call), caps);

/** Rows in registers, one read of x, sums by subgroups. */
const subgroup: Variant = {
  name: 'subgroup',
  supports: (call, caps) => shares(call, caps).length > 0,
  tunings: shares,
  lower(call, caps, tuning) {
    const { ROW_LANES, ITEMS } = tuning as SharedRow;
    const lanes = Math.min(SUBGROUP_LANES, caps.maxInvocations);
    const rows = Math.max(1, Math.floor(lanes / ROW_LANES));
    const defines = { ROW_LANES, ITEMS, ROWS: rows, SUBGROUP: subgroupRange(caps)!.least };
    return [rowKernel(call, 'norm/layer-norm-subgroup', rows, defines)];
  },
};

/** Normalisation of each row over its last dimension; gamma and beta are weights, beta optional. */
export const layerNorm: OpRecord = {
  name: 'layerNorm',
  summary: 'Layer norm over the last dimension, with gamma and optional beta.',
  infer(inputs, attrs) {
    const [x, gamma, beta] = [required('layerNorm', inputs, 0), required('layerNorm', inputs, 1), inputs[2] ?? null];
    numberAttr('layerNorm', attrs, 'eps');
    for (const v of [gamma, beta])
      if (v !== null && (v.shape.length !== 1 || v.shape[0]! < lastDim(x) || v.dtype !== 'f32'))
        misfit('layerNorm', `${v.name} ${v.dtype} [${v.shape}] is not an f32 vector over ${lastDim(x)} channels`);
    return [x.shape];
  },
  variants: [cpu, subgroup, portable],
  flops: (call) => 8 * rowsOf(call.inputs[0]!) * lastDim(call.inputs[0]!),
  bytes: operandBytes,
  tolerance: { f32: { relL2: 1e-6, maxAbs: 1e-5 }, f16: { relL2: 5e-4, maxAbs: 8e-3 } },
};

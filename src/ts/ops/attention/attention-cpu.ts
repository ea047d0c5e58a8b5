import type { Tensor } from '../../graph/types.js';
import { copyRows } from '../layout/copy.js';
import { f32Bits, lastDim, params, readWrite, storageDefines } from '../lowering.js';
import type { DeviceCaps, Kernel, OpCall, Variant } from '../types.js';
import { type AttentionCall, attentionOf, positionBinding } from './attention-call.js';

/** vec4 columns of a head that a lane owns at most beside 16 queries: more accumulators would leave the nearest cache. */
const MOST_COLUMNS_OF_16 = 2;

/** Context and own keys in one tensor, so that the kernel has one loop over keys: a few percent of the work. */
function joinKeys(a: AttentionCall, context: Tensor, joined: Tensor): Kernel[] {
  const width = lastDim(a.kv);
  const image = (a.contextKeys + a.keys) * width;
  const part = (from: Tensor, keys: number, outOffset: number): Kernel =>
    copyRows(from, joined, {
      ...{ rows: a.batch, rowLength: keys * width, inRows: a.batch, inStride: keys * width, inOffset: 0 },
      ...{ outStride: image, outOffset },
    });
  return [part(context, a.contextKeys, 0), part(a.kv, a.keys, a.contextKeys * width)];
}

function attentionKernel(call: OpCall, a: AttentionCall, keys: Tensor, caps: DeviceCaps): Kernel {
  const owned = Math.ceil(a.headSize / 4 / caps.subgroupSize);
  const many = a.queries > 8 && owned <= MOST_COLUMNS_OF_16;
  return {
    shader: 'attention/attention-cpu',
    defines: {
      ...storageDefines(call.dtype),
      ...{ KEYS_F32: keys.dtype === 'f32', HEAD: a.headSize, SUBGROUP: caps.subgroupSize, ROWS16: many },
      POSITION: a.position !== null,
    },
    constants: {},
    bindings: [...[a.q, keys, a.mask, a.out].map(readWrite), ...positionBinding(a)],
    params: params(
      ...[a.queries, a.contextKeys + a.keys, a.contextKeys, a.maskKeys],
      ...[a.heads, a.causal ? 1 : 0, f32Bits(a.scale), a.headSize / 4],
    ),
    grid: [Math.ceil(a.queries / (many ? 16 : 8)), a.heads, a.batch],
  };
}

export const cpu: Variant = {
  name: 'cpu',
  supports: (call, caps) => caps.software && [4, 8].includes(caps.subgroupSize) && attentionOf(call).headSize % 4 === 0,
  scratch(call) {
    const a = attentionOf(call);
    return a.context === null ? [] : [[a.batch, a.contextKeys + a.keys, lastDim(a.kv)]];
  },
  lower(call, caps): Kernel[] {
    const a = attentionOf(call);
    if (a.context === null) return [attentionKernel(call, a, a.kv, caps)];
    const joined = call.scratch[0]!;
    return [...joinKeys(a, a.context, joined), attentionKernel(call, a, joined, caps)];
  },
};

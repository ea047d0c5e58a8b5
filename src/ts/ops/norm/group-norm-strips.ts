import type { Tensor } from '../../graph/types.js';
import { f32Bits, grid1d, params, read, readWrite, storageDefines } from '../lowering.js';
import type { DeviceCaps, Kernel, OpCall, Variant } from '../types.js';
import { type GroupNormCall, groupNormOf } from './group-norm-call.js';
import { subgroup } from './group-norm-subgroup.js';

/** How the strip kernels cut an image (shaders/norm/strip.wgsl); decided by its shape and the adapter, never by the batch. */
interface Strips {
  readonly lanes: number;
  readonly width: 1 | 4;
  readonly spread: number;
  readonly length: number;
  readonly count: number;
}

/** Positions of a strip, at least and at most: enough work for an invocation, and a second pass that finds its data in the cache. */
const STRIP_LENGTH = { min: 16, max: 256 };

/** What keeps the memory of a large GPU busy: invocations of an image, each asking for so many Vals at once. */
const BUSY = { invocations: 2 ** 17, block: 4 };

/** Strips that keep a CPU's cores busy. */
const CPU_STRIPS = 32;

/** Invocations of a workgroup of the second kernel on GPUs: a workgroup reads all sums of a group. */
const COMBINE_LANES = 1024;

function stripsOf({ positions, channels }: GroupNormCall, caps: DeviceCaps): Strips {
  const lanes = caps.software ? caps.subgroupSize || 8 : 64;
  const width = channels % 4 === 0 ? 4 : 1;
  // As many interleaved strips as it takes to keep 8 (a CPU's) or 32 neighbouring invocations on one stretch of memory.
  const spread = Math.max(1, Math.ceil((caps.software ? lanes : 32) / (channels / width)));
  const strips = caps.software ? CPU_STRIPS : BUSY.invocations / (channels / width) / spread;
  const wanted = Math.ceil(positions / (spread * strips));
  const length = Math.min(STRIP_LENGTH.max, Math.max(STRIP_LENGTH.min, wanted));
  return { lanes, width, spread, length, count: Math.ceil(positions / (spread * length)) * spread };
}

/** The cut of the last kernel, which has no sums to pass on. */
function applyStripsOf(call: GroupNormCall, caps: DeviceCaps): Strips {
  const s = stripsOf(call, caps);
  if (caps.software) return s;
  return { ...s, length: BUSY.block, count: Math.ceil(call.positions / (s.spread * BUSY.block)) * s.spread };
}

/** Three kernels: sums of strips, one map a channel, its application. */
function stripKernels(call: OpCall, caps: DeviceCaps): Kernel[] {
  const n = groupNormOf(call);
  const s = stripsOf(n, caps);
  const [partial, map] = call.scratch as [Tensor, Tensor];
  const a = applyStripsOf(n, caps);
  const channels = n.channels / s.width;
  const defines = { ...storageDefines(call.dtype), VEC4: s.width === 4, BLOCK: caps.software ? 1 : BUSY.block };
  const words = ({ count, spread, length }: Strips): Uint32Array =>
    params(n.positions, channels, n.groups, count, spread, length, n.flags, f32Bits(n.eps));
  const grid = ({ count, lanes }: Strips): [number, number, number] => {
    const [gx, gy] = grid1d(Math.ceil((count * channels) / lanes));
    return [gx, gy, n.batch];
  };
  return [
    {
      shader: 'norm/group-norm-strips',
      defines: { ...defines, LANES: s.lanes },
      constants: {},
      bindings: [n.x, partial].map(readWrite),
      params: words(s),
      grid: grid(s),
    },
    {
      shader: 'norm/group-norm-combine',
      defines: { ...defines, LANES: caps.software ? s.lanes : Math.min(COMBINE_LANES, caps.maxInvocations) },
      constants: {},
      bindings: [
        ...[readWrite(n.x), readWrite(partial), read(n.gamma), read(n.beta)],
        ...[readWrite(n.scaleShift), readWrite(map)],
      ],
      params: words(s),
      grid: [n.groups, 1, n.batch],
    },
    {
      shader: 'norm/group-norm-apply',
      defines: { ...defines, LANES: a.lanes },
      constants: {},
      bindings: [n.x, map, n.out].map(readWrite),
      params: words(a),
      grid: grid(a),
    },
  ];
}

/** Elements of a group from which on three kernels with all of an image's parallelism beat one workgroup a group. */
const STRIPS_FROM = 32768;

/** Rows are read as they lie, whatever the groups: on CPU drivers always, on GPUs for groups too large for one workgroup's registers. */
export const strips: Variant = {
  name: 'strips',
  supports: (call, caps) => {
    const n = groupNormOf(call);
    if (caps.software) return true;
    return (n.positions * n.channels) / n.groups >= STRIPS_FROM && !subgroup.supports(call, caps);
  },
  scratch(call, caps) {
    const n = groupNormOf(call);
    return [
      [n.batch, stripsOf(n, caps).count, 2, n.channels],
      [n.batch, 3, n.channels],
    ];
  },
  lower: stripKernels,
};

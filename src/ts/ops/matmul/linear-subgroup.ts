import { pad4 } from '../../graph/weights-spec.js';
import { grid1d, params, positionsOf, read, readWrite, storageDefines } from '../lowering.js';
import { subgroupRange } from '../subgroup-range.js';
import type { DeviceCaps, OpCall, Tuning, Variant } from '../types.js';
import { productOf, scaleBindings, weightDefines } from './product.js';

/** Sizes of shaders/matmul/linear-subgroup.wgsl. */
interface Spread extends Tuning {
  /** Neighbouring lanes on neighbouring columns; the others share out K. */
  readonly SPAN: number;
  readonly WORKGROUP: number;
}

/** Rows per image up to which a product is bound by reading its weights. */
const MAX_ROWS = 16;

/** Workgroups that keep a GPU of middle size busy. */
const FULL_GRID = 128;

/** Columns a lane reads at once: 8 of f16 or int8 weights, where their rows divide into them. */
function columnsPerLane(call: OpCall): 4 | 8 {
  const { w, n } = productOf(call);
  return w.dtype !== 'f32' && pad4(n) % 8 === 0 ? 8 : 4;
}

/** Rows a workgroup computes: those of an image, and of a few more images where there are only one or two. */
function rowsPerWorkgroup(call: OpCall): number {
  const rows = positionsOf(call.inputs[0]!);
  if (rows <= 2) return 4;
  return rows <= 8 || columnsPerLane(call) === 8 ? 8 : 16;
}

/** Ways to spread a product over a workgroup's lanes, the one that promises most first. */
function spreads(call: OpCall, caps: DeviceCaps): readonly Spread[] {
  const { k, n } = productOf(call);
  const cols = columnsPerLane(call);
  const range = subgroupRange(caps);
  if (range === undefined) return [];
  const bytes = (s: Spread): number => (s.WORKGROUP / range.least) * rowsPerWorkgroup(call) * s.SPAN * cols * 4;
  const fits = (s: Spread): boolean =>
    s.WORKGROUP >= range.most &&
    s.WORKGROUP <= caps.maxInvocations &&
    s.SPAN <= range.least &&
    bytes(s) <= caps.maxWorkgroupBytes;
  // As many lanes as K fills keep as many loads under way; then as wide a stretch of a row as leaves workgroups for all of a GPU.
  const busy = (s: Spread): number => Math.min(1, k / 4 / (s.WORKGROUP / s.SPAN)) * s.WORKGROUP;
  const covers = (s: Spread): boolean => Math.ceil(n / (s.SPAN * cols)) >= FULL_GRID;
  const rank = (s: Spread): number => (covers(s) ? s.SPAN : 1 / s.SPAN);
  const all = [512, 256, 128].flatMap((WORKGROUP) => [2, 4, 8].map((SPAN): Spread => ({ SPAN, WORKGROUP })));
  return all.filter(fits).sort((a, b) => rank(b) - rank(a) || busy(b) - busy(a) || a.WORKGROUP - b.WORKGROUP);
}

/** Few rows per image (single tokens, embeddings of times): bound by the bandwidth at which the weights are read. */
export const subgroup: Variant = {
  name: 'subgroup',
  supports: (call, caps) => positionsOf(call.inputs[0]!) <= MAX_ROWS && spreads(call, caps).length > 0,
  tunings: spreads,
  lower(call, caps, tuning) {
    const { x, w, bias, residual, scales, out, m, k, n, flags } = productOf(call);
    const { SPAN, WORKGROUP } = tuning as Spread;
    const cols = columnsPerLane(call);
    const rows = rowsPerWorkgroup(call);
    return [
      {
        shader: 'matmul/linear-subgroup',
        defines: {
          ...storageDefines(call.dtype),
          ...weightDefines(w),
          SUBGROUP: subgroupRange(caps)!.least,
          SPAN,
          WORKGROUP,
          ROWS: rows,
          QUADS: cols / 4,
          WIDE: cols === 8,
          VEC_K: k % 4 === 0,
          VEC_N: n % 4 === 0,
        },
        constants: {},
        bindings: [readWrite(x), read(w), read(bias), readWrite(residual), readWrite(out), ...scaleBindings(scales)],
        params: params(m, k, n, flags),
        grid: grid1d(Math.ceil(m / rows) * Math.ceil(pad4(n) / (SPAN * cols))),
      },
    ];
  },
};

/** The same with int8 weights. */
export const q8Subgroup: Variant = { ...subgroup, name: 'q8-subgroup', weights: 'q8' };

import { storageDefines } from '../lowering.js';
import type { DeviceCaps, Kernel, OpCall, Tuning, Variant } from '../types.js';
import { attentionBindings, attentionOf, attentionParams } from './attention-call.js';
import { lowerTile, type TileForm, tileTunings } from './attention-tile.js';

/** Register tiles with all exchange through workgroup memory, f32: the faster form where there is room for it. */
const TILED: TileForm = { subgroups: false, stageF16: false, across: 8 };

/** Columns a chunk at a time: 14.5 KiB of workgroup memory at any head size; queries that one workgroup computes. */
const CHUNKED = { chunked: 32 };

function lowerChunked(call: OpCall, queries: number): Kernel[] {
  const a = attentionOf(call);
  return [
    {
      shader: 'attention/attention-portable',
      defines: {
        ...storageDefines(call.dtype),
        VEC4: a.headSize % 4 === 0,
        HEAD: a.headSize,
        POSITION: a.position !== null,
      },
      constants: {},
      bindings: attentionBindings(a),
      params: attentionParams(a),
      grid: [Math.ceil(a.queries / queries), a.heads, a.batch],
    },
  ];
}

/** CPU drivers compile the register tiles for longer, and gain too little. */
const portableTunings = (call: OpCall, caps: DeviceCaps): readonly Tuning[] =>
  caps.software ? [CHUNKED] : [...tileTunings(call, caps, TILED), CHUNKED];

export const portable: Variant = {
  name: 'portable',
  supports: () => true,
  tunings: portableTunings,
  lower: (call, _caps, tuning): Kernel[] =>
    tuning.chunked === undefined ? lowerTile(call, TILED, tuning) : lowerChunked(call, tuning.chunked),
};

import { positionsOf } from '../lowering.js';
import { type TileShape, tileTunings } from '../matmul/tiles.js';
import type { Variant } from '../types.js';
import { convOf } from './conv-call.js';
import { tiledConv } from './conv-portable.js';

/** The tiled convolution with f16 operands in workgroup memory and f32 sums; the numbers are those of `portable`. */
export const f16: Variant = {
  name: 'f16',
  supports: (call, caps) => call.dtype === 'f16' && caps.f16,
  tunings: (call, caps) => tileTunings(positionsOf(call.outputs[0]!), convOf(call).outChannels, caps, 2),
  lower: (call, _caps, tuning) => [tiledConv(call, tuning as TileShape, true)],
};

import { positionsOf } from '../lowering.js';
import type { Variant } from '../types.js';
import { tiledLinear } from './linear-portable.js';
import { productOf } from './product.js';
import { type TileShape, tileTunings } from './tiles.js';

/** The tiled product with f16 operands in workgroup memory and f32 sums; the numbers are those of `portable`. */
export const f16: Variant = {
  name: 'f16',
  supports: (call, caps) => call.dtype === 'f16' && caps.f16,
  tunings: (call, caps) => tileTunings(positionsOf(call.inputs[0]!), productOf(call).n, caps, 2),
  lower: (call, _caps, tuning) => [tiledLinear(call, tuning as TileShape, true)],
};

import type { Kernel, Variant } from '../types.js';
import { lowerTile, type TileForm, tileTunings } from './attention-tile.js';

const FORM: TileForm = { subgroups: false, stageF16: true, across: 8 };

/** Register tiles with f16 operands and probabilities in workgroup memory, f32 sums; needs no subgroups. */
export const f16: Variant = {
  name: 'f16',
  supports: (call, caps) => caps.f16 && call.dtype === 'f16' && tileTunings(call, caps, FORM).length > 0,
  tunings: (call, caps) => tileTunings(call, caps, FORM),
  lower: (call, _caps, tuning): Kernel[] => lowerTile(call, FORM, tuning),
};

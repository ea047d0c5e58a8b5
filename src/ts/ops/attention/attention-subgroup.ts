import type { DeviceCaps, Kernel, Variant } from '../types.js';
import { lowerTile, type TileForm, tileTunings } from './attention-tile.js';

/** Subgroups have 4 invocations at least (WebGPU), which serves where their size is not fixed. */
const form = (caps: DeviceCaps): TileForm => ({
  subgroups: true,
  stageF16: false,
  across: caps.subgroupSize === 0 ? 4 : Math.min(8, caps.subgroupSize),
});

/** Register tiles in f32, rows of invocations in a subgroup: maxima by butterflies, probabilities by shuffles. */
export const subgroup: Variant = {
  name: 'subgroup',
  supports: (call, caps) => caps.subgroups && tileTunings(call, caps, form(caps)).length > 0,
  tunings: (call, caps) => tileTunings(call, caps, form(caps)),
  lower: (call, caps, tuning): Kernel[] => lowerTile(call, form(caps), tuning),
};

import { UnclipError } from '../util/errors.js';
import { activation } from './activation-op.js';
import { add } from './add.js';
import { affine } from './affine.js';
import { attention } from './attention.js';
import { avgPool2x } from './avg-pool.js';
import { bicubicResize } from './bicubic-resize.js';
import { clamp } from './clamp.js';
import { concat } from './concat.js';
import { conv2d } from './conv2d.js';
import { diffusionStep } from './diffusion-step.js';
import { embedding } from './embedding.js';
import { gatherRows } from './gather-rows.js';
import { groupNorm } from './group-norm.js';
import { layerNorm } from './layer-norm.js';
import { linear } from './linear.js';
import { repeatBatch } from './repeat-batch.js';
import { scaleShift } from './scale-shift.js';
import { slice } from './slice.js';
import { timestepEmbedding } from './timestep-embedding.js';
import { toRgba8 } from './to-rgba8.js';
import { transpose } from './transpose.js';
import type { OpRecord } from './types.js';
import { upsampleNearest2x } from './upsample-nearest.js';

const records = new Map<string, OpRecord>();

/** All op records, in the order of the op table. */
export const OPS: readonly OpRecord[] = [
  linear,
  conv2d,
  attention,
  groupNorm,
  layerNorm,
  embedding,
  timestepEmbedding,
  activation,
  clamp,
  add,
  scaleShift,
  affine,
  upsampleNearest2x,
  avgPool2x,
  concat,
  slice,
  transpose,
  gatherRows,
  repeatBatch,
  bicubicResize,
  diffusionStep,
  toRgba8,
];

for (const record of OPS) records.set(record.name, record);

/** The record of an op; throws UnclipError GRAPH_INVALID for a name nobody registered. */
export function findOp(name: string): OpRecord {
  const record = records.get(name);
  if (record === undefined) throw new UnclipError('GRAPH_INVALID', `there is no op '${name}'`);
  return record;
}

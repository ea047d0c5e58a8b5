import { UnclipError } from '../util/errors.js';
import { attention } from './attention/attention.js';
import { conv2d } from './conv/conv2d.js';
import { diffusionStep } from './diffusion/diffusion-step.js';
import { keepKnown } from './diffusion/keep-known.js';
import { timestepEmbedding } from './diffusion/timestep-embedding.js';
import { activation } from './elementwise/activation.js';
import { add } from './elementwise/add.js';
import { affine } from './elementwise/affine.js';
import { clamp } from './elementwise/clamp.js';
import { scaleShift } from './elementwise/scale-shift.js';
import { appendRows } from './layout/append-rows.js';
import { argmax } from './layout/argmax.js';
import { concat } from './layout/concat.js';
import { embedding } from './layout/embedding.js';
import { gatherRows } from './layout/gather-rows.js';
import { logitPixels } from './layout/logit-pixels.js';
import { repeatBatch } from './layout/repeat-batch.js';
import { slice } from './layout/slice.js';
import { toRgba8 } from './layout/to-rgba8.js';
import { transpose } from './layout/transpose.js';
import { linear } from './matmul/linear.js';
import { matmul } from './matmul/matmul.js';
import { groupNorm } from './norm/group-norm.js';
import { layerNorm } from './norm/layer-norm.js';
import { softmax } from './norm/softmax.js';
import { bicubicResize } from './resize/bicubic-resize.js';
import { avgPool2x, maxPool2x } from './resize/pool.js';
import { upsampleNearest2x } from './resize/upsample-nearest.js';
import { sampleCategorical } from './sampling/sample-categorical.js';
import type { OpRecord } from './types.js';

const records = new Map<string, OpRecord>();

/** All op records, in the order of the op table. */
export const OPS: readonly OpRecord[] = [
  linear,
  matmul,
  conv2d,
  attention,
  groupNorm,
  layerNorm,
  softmax,
  embedding,
  timestepEmbedding,
  activation,
  clamp,
  add,
  scaleShift,
  affine,
  upsampleNearest2x,
  avgPool2x,
  maxPool2x,
  argmax,
  concat,
  slice,
  transpose,
  gatherRows,
  appendRows,
  repeatBatch,
  bicubicResize,
  diffusionStep,
  sampleCategorical,
  keepKnown,
  logitPixels,
  toRgba8,
];

for (const record of OPS) records.set(record.name, record);

/** The record of an op; throws UnclipError GRAPH_INVALID for a name nobody registered. */
export function findOp(name: string): OpRecord {
  const record = records.get(name);
  if (record === undefined) throw new UnclipError('GRAPH_INVALID', `there is no op '${name}'`);
  return record;
}

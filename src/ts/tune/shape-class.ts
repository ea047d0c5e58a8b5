import type { Attrs, Tensor } from '../graph/types.js';
import type { OpCall } from '../ops/types.js';

/**
 * What a measured choice of kernel is good for, as text: the op with its attributes, and for each operand its type and its shape
 * within one image. Channels (the last dimension) and weights count exactly; positions (the dimensions between batch and channels)
 * by {@link bucket}. The batch is never part of it, so that a picture does not depend on how many are drawn at once.
 *
 * `linear f16 f16[~96,640] w:f16[640,2560] w:f32[2560] - {act:gelu,outFeatures:2560}`
 */
export function shapeClass(op: string, { inputs, attrs, dtype }: OpCall): string {
  const operands = inputs.map((t) => (t === null ? '-' : operand(t)));
  return [op, dtype, ...operands, `{${attributes(attrs)}}`].join(' ');
}

function operand({ kind, dtype, shape }: Tensor): string {
  if (kind === 'weight') return `w:${dtype}[${shape}]`;
  const positions = shape.slice(1, -1).map((n) => `~${bucket(n)}`);
  return `${dtype}[${[...positions, ...shape.slice(1).slice(-1)]}]`;
}

/** Attributes that count images: how often a batch is repeated; where in a batch a part lies. */
const overBatch = (name: string, attrs: Attrs): boolean =>
  name === 'times' || (attrs.axis === 0 && (name === 'start' || name === 'length'));

/** Attributes by name, but for those that see the batch. */
function attributes(attrs: Attrs): string {
  const names = Object.keys(attrs).sort();
  return names
    .filter((name) => !overBatch(name, attrs))
    .map((name) => `${name}:${attrs[name]}`)
    .join(',');
}

/** Up to 16 a number stands for itself; above, for the next of 24, 32, 48, 64, 96, 128 … */
export function bucket(n: number): number {
  if (n <= 16) return n;
  const power = 2 ** Math.ceil(Math.log2(n));
  return n <= power * 0.75 ? power * 0.75 : power;
}

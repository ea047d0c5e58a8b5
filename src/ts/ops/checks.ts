import type { Attrs, Tensor } from '../graph/types.js';
import { UnclipError } from '../util/errors.js';

/** Throws GRAPH_INVALID: what of which op does not fit. */
export function misfit(op: string, what: string): never {
  throw new UnclipError('GRAPH_INVALID', `${op}: ${what}`);
}

/** Operand `position`, which must be there. */
export function required(op: string, inputs: readonly (Tensor | null)[], position: number): Tensor {
  return inputs[position] ?? misfit(op, `operand ${position} is missing`);
}

/** A tensor of a given rank: `layout` names its dimensions in messages, e.g. `[B, H, W, C]`. */
export function requireRank(op: string, t: Tensor, rank: number, layout: string): void {
  if (t.shape.length !== rank) misfit(op, `${t.name} must be ${layout}, not [${t.shape}]`);
}

/** Places that each image has reached in a sequence: u32 [B]. */
export function requirePositions(op: string, t: Tensor, batch: number): void {
  if (t.dtype !== 'u32' || t.shape.length !== 1 || t.shape[0] !== batch)
    misfit(op, `${t.name} must be u32 [${batch}], not ${t.dtype} [${t.shape}]`);
}

/** An attribute that is a finite number. */
export function numberAttr(op: string, attrs: Attrs, name: string): number {
  const value = attrs[name];
  return typeof value === 'number' && Number.isFinite(value) ? value : misfit(op, `attribute ${name} must be a number`);
}

/** An attribute that is a non-negative whole number. */
export function countAttr(op: string, attrs: Attrs, name: string): number {
  const value = numberAttr(op, attrs, name);
  return Number.isSafeInteger(value) && value >= 0 ? value : misfit(op, `attribute ${name} must be a whole number`);
}

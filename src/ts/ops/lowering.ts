import type { ActivationDType, Tensor } from '../graph/types.js';
import { tensorBytes } from '../graph/types.js';
import type { KernelBinding, OpCall } from './types.js';

/** Largest grid size per dimension that every WebGPU device accepts. */
export const MAX_GRID = 65535;

const scratchF32 = new Float32Array(1);
const scratchU32 = new Uint32Array(scratchF32.buffer);

/** The bits of an f32, for a float member of `var<immediate>`. */
export function f32Bits(value: number): number {
  scratchF32[0] = value;
  return scratchU32[0]!;
}

/** Immediates of a kernel from 32-bit words (floats through {@link f32Bits}). */
export function params(...words: number[]): Uint32Array {
  return Uint32Array.from(words);
}

/** Spreads `count` workgroups over x and y; the shader's linear index is `wg.x + wg.y * num_workgroups.x`, bounds-checked there. */
export function grid1d(count: number): [number, number, number] {
  if (count <= MAX_GRID) return [Math.max(1, count), 1, 1];
  const y = Math.ceil(count / MAX_GRID);
  return [Math.ceil(count / y), y, 1];
}

/** A weight or a tensor from outside that no kernel writes in the same pass. */
export const read = (t: Tensor | null): KernelBinding => ({ tensor: t === null ? null : t.id, access: 'read' });

/** An arena or state tensor, input or output alike. */
export const readWrite = (t: Tensor | null): KernelBinding => ({
  tensor: t === null ? null : t.id,
  access: 'readWrite',
});

/** `read` for weights, `readWrite` for everything that lives in an arena or a state buffer. */
export const operand = (t: Tensor | null): KernelBinding =>
  t !== null && t.kind === 'weight' ? read(t) : readWrite(t);

/** The preprocessor switch of f16 storage. */
export const storageDefines = (dtype: ActivationDType): { F16: boolean } => ({ F16: dtype === 'f16' });

/** Sum of the bytes of all operands and results, each counted once: the floor of most ops. */
export function operandBytes(call: OpCall): number {
  let sum = 0;
  for (const t of call.inputs) if (t !== null) sum += tensorBytes(t);
  for (const t of call.outputs) sum += tensorBytes(t);
  return sum;
}

/** Product of the leading dimensions up to the last: rows of a channels-last tensor. */
export function rowsOf(t: Tensor): number {
  let rows = 1;
  for (let i = 0; i < t.shape.length - 1; i++) rows *= t.shape[i]!;
  return rows;
}

export const lastDim = (t: Tensor): number => t.shape[t.shape.length - 1]!;

/** Product of the dimensions between batch and channels: positions (H·W, or L) per image. */
export const positionsOf = (t: Tensor): number => rowsOf(t) / t.shape[0]!;

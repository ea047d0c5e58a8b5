import type { Tensor } from '../graph/types.js';
import { elementCount } from '../graph/types.js';
import { grid1d } from './lowering.js';
import type { Tolerance } from './types.js';

/** Invocations of a workgroup in all kernels that walk a flat range of items, and the distance of an invocation's items. */
export const WORKGROUP = 64;
/** Items an invocation handles. */
const ITEMS = 4;

/** Grid of a kernel over `items` elements or vec4s: shaders/common/flat.wgsl spreads them. */
export const flatGrid = (items: number): [number, number, number] => grid1d(Math.ceil(items / (WORKGROUP * ITEMS)));

/** 4 when every given length divides into vec4s, else 1. */
export const vectorWidth = (...lengths: readonly number[]): 1 | 4 => (lengths.every((n) => n % 4 === 0) ? 4 : 1);

/** {@link vectorWidth} of a kernel over all elements of `t`: by the size of one image, so that the batch never decides. */
export const imageVectorWidth = (t: Tensor): 1 | 4 => vectorWidth(elementCount(t.shape) / t.shape[0]!);

/** The element types of shaders/common/io.wgsl; operands that are absent count as f32. */
export function ioDefines(
  width: 1 | 4,
  input: Tensor,
  output: Tensor,
  second?: Tensor | null,
): Record<string, boolean> {
  return {
    VEC4: width === 4,
    IN_F16: input.dtype === 'f16',
    IN2_F16: second?.dtype === 'f16',
    OUT_F16: output.dtype === 'f16',
  };
}

/** What a copy moves at once, and how the shader is told. */
export interface CopyUnit {
  /** Elements. */
  readonly width: 1 | 4 | 8;
  readonly defines: Readonly<Record<string, boolean>>;
}

/** 16 bytes where both sides are f16 and every length divides into 8 elements; else as {@link vectorWidth} and {@link ioDefines}. */
export function copyUnit(from: Tensor, to: Tensor, ...lengths: readonly number[]): CopyUnit {
  if (from.dtype === 'f16' && to.dtype === 'f16' && lengths.every((n) => n % 8 === 0))
    return { width: 8, defines: { RAW: true } };
  const width = vectorWidth(...lengths);
  return { width, defines: ioDefines(width, from, to) };
}

export const outputElements = (call: { readonly outputs: readonly Tensor[] }): number =>
  elementCount(call.outputs[0]!.shape);

/** Values are moved, or rounded once on their way out. */
export const COPY_TOLERANCE: Record<'f32' | 'f16', Tolerance> = {
  f32: { relL2: 0, maxAbs: 0 },
  f16: { relL2: 3e-4, maxAbs: 2e-3 },
};

/** A few f32 operations per element; f16 is one rounding of the result and of each operand. */
export const ELEMENTWISE_TOLERANCE: Record<'f32' | 'f16', Tolerance> = {
  f32: { relL2: 5e-7, maxAbs: 4e-6 },
  f16: { relL2: 5e-4, maxAbs: 8e-3 },
};

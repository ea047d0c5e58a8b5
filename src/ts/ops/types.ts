import type { ActivationDType, Attrs, Tensor } from '../graph/types.js';

/** What of an adapter decides which kernel variant runs. Everything here is also available with no GPU ('null' caps in tests). */
export interface DeviceCaps {
  /** Size of a subgroup when it is fixed on this adapter (min = max) and `subgroups` is there; else 0. */
  readonly subgroupSize: number;
  readonly f16: boolean;
  /** A CPU driver: cores instead of a GPU; wide registers, no real workgroup memory. */
  readonly software: boolean;
  readonly maxBindingBytes: number;
  /** What the offset of a binding must be a multiple of; 256 when absent. */
  readonly offsetAlignment?: number;
  readonly maxWorkgroupBytes: number;
  readonly maxInvocations: number;
}

/** One buffer of a kernel. Arena and state tensors are always `readWrite` (one buffer holds both sides: see README, memory). */
export interface KernelBinding {
  /** Tensor id; null for an optional operand that is absent (a small dummy buffer is bound). */
  readonly tensor: number | null;
  readonly access: 'read' | 'readWrite';
  /** Part of the tensor, in bytes; the offset a multiple of the device's offset alignment. Whole tensor when absent. */
  readonly offset?: number;
  readonly size?: number;
}

/** One dispatch, with everything that is fixed at compile time. */
export interface Kernel {
  /** File under shaders/ without its ending, e.g. `matmul/linear-cpu`. */
  readonly shader: string;
  /** Switches (`//#if NAME`) and numbers (`//#const NAME type`) of the preprocessor. */
  readonly defines: Readonly<Record<string, boolean | number>>;
  /** WGSL `override` constants. */
  readonly constants: Readonly<Record<string, number>>;
  /** In the order of `@group(0) @binding(n)`. */
  readonly bindings: readonly KernelBinding[];
  /** Contents of `var<immediate>`, at most 16 words of 32 bits. */
  readonly params: Uint32Array;
  readonly grid: readonly [number, number, number];
}

/** A node with its tensors looked up. */
export interface OpCall {
  readonly inputs: readonly (Tensor | null)[];
  readonly outputs: readonly Tensor[];
  readonly scratch: readonly Tensor[];
  readonly attrs: Attrs;
  readonly dtype: ActivationDType;
  readonly label: string;
}

export interface Variant {
  readonly name: string;
  /** May look at the adapter and at per-image shapes and dtypes, never at the batch (bit-equal pictures at any batch size). */
  supports(call: OpCall, caps: DeviceCaps): boolean;
  /** Shapes of f32 scratch tensors, planned into the arena for the time of this node. */
  scratch?(call: OpCall, caps: DeviceCaps): readonly (readonly number[])[];
  lower(call: OpCall, caps: DeviceCaps): Kernel[];
}

/** Bounds against the fp64 reference, on inputs of unit variance. */
export interface Tolerance {
  readonly relL2: number;
  readonly maxAbs: number;
}

/** The one record of an op: tests, benchmarks, the compiler and the documentation read it. */
export interface OpRecord {
  readonly name: string;
  /** One line for the op table in the documentation. */
  readonly summary: string;
  /** Output shapes; throws UnclipError GRAPH_INVALID when the operands do not fit. */
  infer(inputs: readonly (Tensor | null)[], attrs: Attrs): (readonly number[])[];
  /** In order of preference; the first that supports the call is taken unless one is forced by name. */
  readonly variants: readonly Variant[];
  /** Floating-point operations of one call (a multiply-add counts 2). */
  flops(call: OpCall): number;
  /** Bytes that must cross memory at least once: operands read once, results written once. */
  bytes(call: OpCall): number;
  readonly tolerance: Readonly<Record<ActivationDType, Tolerance>>;
}

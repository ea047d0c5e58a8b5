import type { ActivationDType, Attrs, Tensor } from '../graph/types.js';

/** One shape of the adapter's matrix units: a multiply-accumulate of left [M, K] and right [K, N] into [M, N]. */
export interface MatrixConfig {
  readonly M: number;
  readonly N: number;
  readonly K: number;
  /** Element type of the operands, and of the result: `f16`, `f32`, `i8`, `u8`, `i32`, `u32`. */
  readonly componentType: string;
  readonly resultComponentType: string;
}

/** What of an adapter decides which kernel variant runs. Everything here is also available with no GPU ('null' caps in tests). */
export interface DeviceCaps {
  /** Size of a subgroup when it is fixed on this adapter (min = max) and `subgroups` is there; else 0. */
  readonly subgroupSize: number;
  /** Whether `subgroups` is there at all, of a fixed size or not. */
  readonly subgroups: boolean;
  /** Largest subgroup the adapter may form; 0 without `subgroups`. A matrix kernel's workgroup_size.x is a multiple of it. */
  readonly subgroupMaxSize: number;
  /** Shapes of `chromium-experimental-subgroup-matrix`; empty where the feature is missing. */
  readonly matrixConfigs: readonly MatrixConfig[];
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

/** Tile sizes and the like of one variant, by name. */
export type Tuning = Readonly<Record<string, number>>;

export interface Variant {
  readonly name: string;
  /** Set on variants that read int8 weights with scales: they, and only they, run calls whose weights are quantised. */
  readonly weights?: 'q8';
  /** May look at the adapter and at per-image shapes and dtypes, never at the batch (bit-equal pictures at any batch size). */
  supports(call: OpCall, caps: DeviceCaps): boolean;
  /** False where it runs but is hardly ever the best: taken when forced, or when nothing else runs. Absent: always true. */
  preferred?(call: OpCall, caps: DeviceCaps): boolean;
  /**
   * What the tuner may choose from; the first is the static heuristic's choice, used where nothing was measured. Each must be
   * valid for this call on this adapter. Never looks at the batch. Absent: there is nothing to choose.
   */
  tunings?(call: OpCall, caps: DeviceCaps): readonly Tuning[];
  /** Shapes of f32 scratch tensors, planned into the arena for the time of this node. */
  scratch?(call: OpCall, caps: DeviceCaps, tuning: Tuning): readonly (readonly number[])[];
  /** @param tuning one of {@link tunings}; empty where there are none */
  lower(call: OpCall, caps: DeviceCaps, tuning: Tuning): Kernel[];
}

/** A variant and its tuning, as a tuner picked them. */
export interface Choice {
  readonly variant: string;
  readonly tuning: Tuning;
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

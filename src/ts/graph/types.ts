import type { WeightRequest } from './weights-spec.js';

/** Element types of tensors on the GPU. `i8`: quantised matrix weights. Masks, timesteps, step parameters, latents and vectors of weights are always f32. */
export type DType = 'f32' | 'f16' | 'u32' | 'i8';

/** Activation storage type of a network: the reference path is f32; f16 halves bytes, sums stay f32. */
export type ActivationDType = 'f32' | 'f16';

/**
 * weight: read-only, packed from the checkpoint. state: owned by the session, lives across steps (inputs, outputs, latents,
 * noise). temporary: lives in the arena between its first write and its last read.
 */
export type TensorKind = 'weight' | 'state' | 'temporary';

export interface Tensor {
  readonly id: number;
  readonly name: string;
  /** Channels last: [B, H, W, C], [B, L, C], [B, C]. Weights: their packed shape. */
  readonly shape: readonly number[];
  readonly dtype: DType;
  readonly kind: TensorKind;
  /** Set when this tensor is another one's memory under a new shape. */
  readonly aliasOf?: number;
  readonly weight?: WeightRequest;
}

export type AttrValue = number | boolean | string | readonly number[];
export type Attrs = Readonly<Record<string, AttrValue>>;

/** One operation. Absent optional inputs are null; the op's record says what each position means. */
export interface Node {
  readonly op: string;
  readonly inputs: readonly (number | null)[];
  readonly outputs: readonly number[];
  readonly attrs: Attrs;
  /** Where it came from, e.g. `up_blocks.1.resnets.0.conv1`: for `inspect`, benchmarks and error messages. */
  readonly label: string;
}

/** A network as a list of operations in execution order. Pure data: made and tested without a GPU. */
export interface Graph {
  readonly name: string;
  readonly dtype: ActivationDType;
  readonly tensors: readonly Tensor[];
  readonly nodes: readonly Node[];
  /** Names of the state tensors that the caller fills. */
  readonly inputs: Readonly<Record<string, number>>;
  /** Names of the state tensors that the caller reads. */
  readonly outputs: Readonly<Record<string, number>>;
}

export const elementCount = (shape: readonly number[]): number => shape.reduce((a, b) => a * b, 1);

export const dtypeBytes = (dtype: DType): number => ({ f32: 4, f16: 2, u32: 4, i8: 1 })[dtype];

/** Bytes of a tensor, rounded up to 4 (the granularity of copies). */
export const tensorBytes = (t: { shape: readonly number[]; dtype: DType }): number =>
  (elementCount(t.shape) * dtypeBytes(t.dtype) + 3) & ~3;

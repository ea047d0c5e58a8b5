/** How a checkpoint tensor is laid out for the kernels. */
export type WeightPacking =
  /** As stored, flat. Vectors (bias, gamma, beta) are zero-padded to a multiple of 4 and always kept in f32. */
  | 'vector'
  /** As stored, any shape, in the activation dtype (embedding tables, positional embeddings). */
  | 'copy'
  /** PyTorch's linear weight [N, K] (or a 1×1 conv [N, K, 1, 1]) → [K, N padded to a multiple of 4]. */
  | 'transpose'
  /** PyTorch's conv weight [O, I, kh, kw] → [kh, kw, I, O padded to a multiple of 4]. */
  | 'conv';

/** What a network asks of its checkpoint: one packed tensor, made of one or more stored ones. */
export interface WeightRequest {
  /** Checkpoint tensor names; several are concatenated along the output dimension N (fused q/k/v, biases). */
  readonly sources: readonly string[];
  readonly packing: WeightPacking;
  /** Shape that every source must have in the checkpoint, in PyTorch's order; a trailing 1×1 kernel may be absent. */
  readonly sourceShapes: readonly (readonly number[])[];
  /**
   * One part of a matrix that is kept in 8 bits, w ≈ value · scale of its output: `values`, int8 in the layout of the packing,
   * or `scales`, f32 [N], zero-padded to a multiple of 4.
   */
  readonly quantized?: 'values' | 'scales';
}

/** Next multiple of 4: the padding of the N dimension of every packed weight. */
export const pad4 = (n: number): number => (n + 3) & ~3;

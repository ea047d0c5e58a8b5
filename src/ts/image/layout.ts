/** [N, C, H, W] (PyTorch's order) → [N, H, W, C] (ours); `positions` = H·W. */
export function toChannelsLast(
  values: ArrayLike<number>,
  batch: number,
  channels: number,
  positions: number,
): Float32Array {
  const out = new Float32Array(batch * channels * positions);
  for (let b = 0; b < batch; b++)
    for (let c = 0; c < channels; c++)
      for (let p = 0; p < positions; p++)
        out[(b * positions + p) * channels + c] = values[(b * channels + c) * positions + p]!;
  return out;
}

/** [N, H, W, C] → [N, C, H, W]: the same transposition with the two extents swapped. */
export const toChannelsFirst = (
  values: ArrayLike<number>,
  batch: number,
  channels: number,
  positions: number,
): Float32Array => toChannelsLast(values, batch, positions, channels);

export const size = (shape: readonly number[]): number => shape.reduce((a, b) => a * b, 1);

/** 0, 1, 2 … scaled to stay exact in f16: moved values can be told apart and compared for equality. */
export const ramp = (length: number, from = 0): Float32Array =>
  Float32Array.from({ length }, (_, i) => ((from + i) % 2039) - 1019);

/** Channels-first [B, C, H, W] (PyTorch) to channels-last [B, H, W, C]. */
export function channelsLast(x: Float32Array, [b, c, h, w]: readonly [number, number, number, number]): Float32Array {
  const out = new Float32Array(x.length);
  const plane = h * w;
  for (let image = 0; image < b; image++)
    for (let channel = 0; channel < c; channel++)
      for (let i = 0; i < plane; i++) out[(image * plane + i) * c + channel] = x[(image * c + channel) * plane + i]!;
  return out;
}

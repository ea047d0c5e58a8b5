/** Weights of one layer in 8 bits, by definition, in plain JavaScript. */
export interface Quantized {
  /** As stored: [outputs, inner]. */
  readonly values: Int8Array;
  readonly scales: Float32Array;
  /** values · scale, exactly. */
  readonly restored: Float64Array;
}

/** To the nearest whole number, ties to the even one. */
const toEven = (v: number): number => {
  const floor = Math.floor(v);
  const rest = v - floor;
  if (rest !== 0.5) return Math.round(v);
  return floor % 2 === 0 ? floor : floor + 1;
};

/** scale = max |w| / 127 over each output, value = w / scale rounded; all of it in f32. */
export function quantize(w: Float32Array, outputs: number): Quantized {
  const inner = w.length / outputs;
  const values = new Int8Array(w.length);
  const restored = new Float64Array(w.length);
  const scales = new Float32Array(outputs);
  for (let o = 0; o < outputs; o++) {
    const row = w.subarray(o * inner, (o + 1) * inner);
    const scale = Math.fround(row.reduce((a, v) => Math.max(a, Math.abs(v)), 0) / 127);
    scales[o] = scale;
    if (scale === 0) continue;
    row.forEach((v, i) => {
      const q = Math.min(127, Math.max(-127, toEven(Math.fround(v / scale))));
      values[o * inner + i] = q;
      restored[o * inner + i] = q * scale;
    });
  }
  return { values, scales, restored };
}

/** What a software adapter's figures are held against, see issue and README: ours against ONNX Runtime on WebGPU. */
export const SOFTWARE_BAR = { peer: 'onnxruntime-webgpu', geometricMean: 4, aim: 6, each: 1.5 };

/** Relative L2 against f64 from which a result counts as wrong, by element type. */
export const AGREEMENT = { f32: 1e-4, f16: 1e-2 };

/** Relative L2 of a whole network's output between engines. */
export const NETWORK_AGREEMENT = 1e-3;

/** Middle value, of an even count the mean of the two in the middle. @param {readonly number[]} values */
export function median(values) {
  const sorted = [...values].sort((a, b) => a - b);
  const middle = sorted.length >> 1;
  return sorted.length % 2 === 1 ? sorted[middle] : (sorted[middle - 1] + sorted[middle]) / 2;
}

/** @param {readonly number[]} values all positive */
export const geometricMean = (values) => Math.exp(values.reduce((sum, v) => sum + Math.log(v), 0) / values.length);

/**
 * How many times as long a peer takes: its time over ours, round by round, as both were measured within moments of each other.
 * @param {readonly number[]} ours milliseconds, one number a round @param {readonly number[]} theirs of the same rounds; there
 *   may be fewer
 * @returns {{ median: number, min: number, max: number } | undefined} nothing where one of them has no time
 */
export function ratioOf(ours, theirs) {
  const rounds = Math.min(ours.length, theirs.length);
  if (rounds === 0) return undefined;
  const ratios = Array.from({ length: rounds }, (_, i) => theirs[i] / ours[i]);
  return { median: median(ratios), min: Math.min(...ratios), max: Math.max(...ratios) };
}

/**
 * Holds ratios against a bar. A case without a ratio is a case that was not passed.
 * @param {readonly { id: string, ratio?: number }[]} cases @param {typeof SOFTWARE_BAR} bar
 */
export function verdictOf(cases, bar) {
  const missing = cases.filter((c) => c.ratio === undefined).map((c) => c.id);
  const measured = cases.filter((c) => c.ratio !== undefined);
  if (measured.length === 0) return { geometricMean: undefined, worst: undefined, missing, pass: false };
  const mean = geometricMean(measured.map((c) => c.ratio));
  const worst = measured.reduce((a, b) => (b.ratio < a.ratio ? b : a));
  const pass = missing.length === 0 && mean >= bar.geometricMean && worst.ratio >= bar.each;
  return { geometricMean: mean, worst: { id: worst.id, ratio: worst.ratio }, missing, pass };
}

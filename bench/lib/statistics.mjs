/** @param {readonly number[]} values */
export const sum = (values) => values.reduce((a, b) => a + b, 0);

/** @param {readonly number[]} values */
export const mean = (values) => sum(values) / values.length;

/** @param {readonly number[]} values @returns {number} NaN for none */
export function median(values) {
  const sorted = [...values].sort((a, b) => a - b);
  const middle = sorted.length >> 1;
  return sorted.length % 2 === 1 ? sorted[middle] : (sorted[middle - 1] + sorted[middle]) / 2;
}

/** Least-squares slope of values at 0, 1, 2 … @param {readonly number[]} values */
export function slope(values) {
  const x = (values.length - 1) / 2;
  const y = mean(values);
  const products = values.map((v, i) => (i - x) * (v - y));
  return sum(products) / sum(values.map((_, i) => (i - x) ** 2));
}

/**
 * Wilson's score interval of a share, 95 %.
 * @param {number} hits @param {number} count
 */
export function wilson(hits, count) {
  const z = 1.959964;
  const p = hits / count;
  const centre = (p + z ** 2 / (2 * count)) / (1 + z ** 2 / count);
  const half = (z / (1 + z ** 2 / count)) * Math.sqrt((p * (1 - p)) / count + z ** 2 / (4 * count ** 2));
  return { low: Math.max(0, centre - half), high: Math.min(1, centre + half) };
}

import type { KernelTiming } from '../runtime/kernel-timer.js';
import { quantile } from '../util/statistics.js';

import type { Spread } from './schema.js';

export { median } from '../util/statistics.js';

export const sum = (values: readonly number[]): number => values.reduce((a, b) => a + b, 0);

export const mean = (values: readonly number[]): number => sum(values) / values.length;

/** What is reported of many runs: their number, median, least, 10th and 90th percentile. */
export const spread = (values: readonly number[]): Spread => ({
  runs: values.length,
  median: quantile(values, 0.5),
  min: Math.min(...values),
  p10: quantile(values, 0.1),
  p90: quantile(values, 0.9),
});

/** The same of what the kernel timer measured, in milliseconds. */
export const spreadOf = (t: KernelTiming): Spread => spread(t.samplesMs);

/** Least-squares slope of values at 0, 1, 2 … */
export function slope(values: readonly number[]): number {
  const x = (values.length - 1) / 2;
  const y = mean(values);
  const products = values.map((v, i) => (i - x) * (v - y));
  return sum(products) / sum(values.map((_, i) => (i - x) ** 2));
}

/** Wilson's score interval of a share, 95 %. */
export function wilson(hits: number, count: number): { low: number; high: number } {
  const z = 1.959964;
  const p = hits / count;
  const centre = (p + z ** 2 / (2 * count)) / (1 + z ** 2 / count);
  const half = (z / (1 + z ** 2 / count)) * Math.sqrt((p * (1 - p)) / count + z ** 2 / (4 * count ** 2));
  return { low: Math.max(0, centre - half), high: Math.min(1, centre + half) };
}

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

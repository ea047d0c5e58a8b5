import { wasBusy } from '../../bench/machine.js';
import type { Machine, Measured, Spread } from '../../bench/schema.js';
import { type Alignment, formatTable } from '../ui/table.js';

/** Three significant digits of a time: `850 ns`, `12.3 us`, `4.56 ms`, `1.23 s`. */
export function formatTime(ms: number): string {
  const [value, unit] =
    ms < 1e-3 ? [ms * 1e6, 'ns'] : ms < 1 ? [ms * 1e3, 'us'] : ms < 1e3 ? [ms, 'ms'] : [ms / 1e3, 's'];
  return `${threeDigits(value)} ${unit}`;
}

export function threeDigits(value: number): string {
  if (value >= 100) return value.toFixed(0);
  return value >= 10 ? value.toFixed(1) : value >= 1 ? value.toFixed(2) : value.toFixed(3);
}

export const fixed = (value: number | undefined, digits: number): string =>
  value === undefined || Number.isNaN(value) ? '-' : value.toFixed(digits);

export const optional = (value: number | undefined): string => (value === undefined ? '-' : threeDigits(value));

/** How far the 10th and the 90th percentile lie apart, of the median. */
export const spreadCell = (s: Spread | undefined): string =>
  s === undefined || s.median === 0 ? '-' : `${((100 * (s.p90 - s.p10)) / s.median).toFixed(0)} %`;

const exponent = (value: number | null): string => (value === null ? 'NaN' : value.toExponential(1));

/** Cells that every measured kernel has: {@link MEASURED_HEAD}. */
export function measuredCells(row: Measured): string[] {
  const { status, ms, error, roof } = row;
  if (status === 'ok')
    return [
      formatTime(ms!.median),
      spreadCell(ms),
      optional(row.gflops),
      optional(row.gbs),
      threeDigits(row.intensity),
      roof === undefined ? '-' : `${roof.percent.toFixed(0)} % ${roof.bound === 'memory' ? 'memory' : roof.unit}`,
      exponent(error!.relL2),
    ];
  const shown = { wrong: 'WRONG', failed: 'FAILED', skipped: 'skipped' }[status];
  return [shown, '', '', '', threeDigits(row.intensity), '', error === undefined ? '' : exponent(error.relL2)];
}

/** One measured kernel in a line of progress. */
export const resultLine = (row: Measured): string =>
  row.status === 'ok'
    ? `${formatTime(row.ms!.median)}, ${optional(row.gflops)} GFLOP/s`
    : (row.message ?? 'WRONG: off fp64 by more than the tolerance');

export const MEASURED_HEAD = ['time', 'spread', 'GFLOP/s', 'GB/s', 'FLOP/B', 'of roof', 'rel L2'];

/** The first column to the left, the others to the right. */
export const table = (head: readonly string[], rows: readonly (readonly string[])[]): string =>
  formatTable(
    head,
    rows,
    head.map((_, i): Alignment => (i === 0 ? 'left' : 'right')),
  );

/** What a model ran with: `bundled, f16, weights q8, batch 4`. */
export const settingText = (s: { model: string; dtype: string; weights: string; batch: number }): string =>
  [s.model, s.dtype, ...(s.weights === 'full' ? [] : [`weights ${s.weights}`]), `batch ${s.batch}`].join(', ');

/** On what a report was measured. */
export function machineLines(m: Machine): string[] {
  const { adapter: a } = m;
  const lines = [
    `machine   ${m.cpu}, ${m.cores} cores, ${(m.memoryBytes / 2 ** 30).toFixed(1)} GiB, ${m.platform}`,
    `adapter   ${a.name} (${[a.vendor, a.architecture].filter(Boolean).join(', ')}${a.software ? ', software' : ''})`,
    `versions  unclip ${m.unclip}, kernels ${m.kernels}, Node ${m.node}, npm webgpu ${m.dawn}`,
    `load      ${m.loadAverage.toFixed(2)} (1-minute average before the run), ${m.date}`,
  ];
  if (wasBusy(m)) lines.push('NOTE: the machine was busy with other work when this began; times are upper bounds.');
  return lines;
}

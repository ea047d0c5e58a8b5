// How numbers are written on the page.

export const digits = (v) =>
  v >= 100 ? v.toFixed(0) : v >= 10 ? v.toFixed(1) : v >= 1 ? v.toFixed(2) : v.toPrecision(2);
export const plain = (v) => (v === undefined || v === null ? '–' : v === 0 ? '0' : digits(v));
export const rate = (gflops, unit = 'FLOP/s') =>
  gflops >= 1000 ? `${digits(gflops / 1000)} T${unit}` : `${digits(gflops)} G${unit}`;
export function time(ms) {
  if (ms === undefined) return '–';
  if (ms < 1) return `${digits(ms * 1e3)} µs`;
  return ms < 1000 ? `${digits(ms)} ms` : `${digits(ms / 1e3)} s`;
}
export const spread = (s) => (s === undefined ? '–' : `${time(s.p10)} to ${time(s.p90)}`);
export const percent = (share) => (share === undefined ? '–' : `${(100 * share).toFixed(1)} %`);
export const error = (e) => (e === undefined ? '–' : e.relL2 === null ? 'NaN' : e.relL2.toExponential(1));

/** What is said of a kernel when the pointer is on it. */
export const describe = (row) =>
  [
    row.name,
    [row.variant, row.dtype, ...Object.entries(row.tuning).map(([k, v]) => `${k} ${v}`)].join(', '),
    `${time(row.ms?.median)} (${spread(row.ms)}, ${row.ms?.runs} runs)`,
    `${rate(row.gflops)}, ${digits(row.gbs)} GB/s, ${plain(row.intensity)} FLOP/B`,
    row.roof &&
      `${row.roof.percent.toFixed(0)} % of the ${row.roof.bound === 'memory' ? 'memory' : row.roof.unit} roof`,
    `error ${error(row.error)} (relative L2)`,
  ]
    .filter(Boolean)
    .join('\n');

import { bytesOf, flopsOf } from './cases.mjs';
import { ratioOf, SOFTWARE_BAR, verdictOf } from './verdict.mjs';

/** Version of the JSON report, which torch_ops.py writes too; README.md describes it. */
export const SCHEMA = 'unclip-bench-peers/1';

/**
 * Adds to every case what follows from its times: speed, and every peer's time over ours.
 * @param {import('./cases.mjs').Case} c @param {Record<string, import('./measure.mjs').Measured>} engines ours first
 */
export function caseReport(c, engines) {
  const [ours, ...peers] = Object.keys(engines);
  const ratiosOf = (clock) =>
    Object.fromEntries(
      peers
        .map((name) => [name, ratioOf(engines[ours][clock] ?? [], engines[name][clock] ?? [])])
        .filter(([, ratio]) => ratio !== undefined),
    );
  const { id, op, dtype } = c;
  const work = op === 'unet' ? {} : { flops: flopsOf(c), bytes: bytesOf(c) };
  return { id, op, dtype, ...work, engines, ratios: ratiosOf('ms'), cpuRatios: ratiosOf('cpuMs') };
}

/** @typedef {ReturnType<typeof caseReport>} CaseReport */

/** A table for every peer. @param {readonly CaseReport[]} cases @returns {string[]} */
export function peerTables(cases) {
  const [ours, ...peers] = Object.keys(cases[0].engines);
  const head = ['case', `${ours} ms`, 'speed', 'peer ms', '×', 'range', 'processor ×'];
  return (peers.length === 0 ? [undefined] : peers).flatMap((peer) => {
    const rows = cases
      .filter(({ engines }) => peer === undefined || hasResult(engines[peer]))
      .map((c) => {
        const [ratio, cpu] = [c.ratios[peer], c.cpuRatios[peer]];
        return [
          c.id,
          time(c.engines[ours]),
          speed(c, c.engines[ours].medianMs),
          time(c.engines[peer] ?? {}),
          fixed(ratio?.median),
          ratio === undefined ? '-' : `${fixed(ratio.min)}–${fixed(ratio.max)}`,
          fixed(cpu?.median),
        ];
      });
    return rows.length === 0 ? [] : [`${peer ?? 'alone'}:`, table(head, rows), ''];
  });
}

/** @param {import('./measure.mjs').Measured} measured */
const hasResult = ({ medianMs, error }) => medianMs !== undefined || error !== undefined;

/** What is worth saying beside the times: who failed, which forms were wrong, how far the results are apart. @param {readonly CaseReport[]} cases */
export function remarks(cases) {
  const lines = [];
  for (const { id, engines } of cases) {
    const [ours] = Object.values(engines);
    for (const [name, { error, rejected, form }] of Object.entries(engines)) {
      for (const wrong of rejected ?? [])
        lines.push(
          `${id}: ${name}'s ${wrong.form} gives a wrong result (relative L2 ${wrong.relL2.toExponential(1)}) in ${time(wrong)} ms, about ${fixed(ours.medianMs && wrong.ms / ours.medianMs, 1)} × ours${form === undefined ? '' : `; ${form} is measured instead`}`,
        );
      if (error !== undefined) lines.push(`${id}: ${name}: ${error}`);
    }
  }
  const errorsOf = (whole) =>
    cases
      .filter(({ op }) => (op === 'unet') === whole)
      .flatMap(({ engines }) => Object.values(engines).flatMap(({ relL2 }) => (relL2 === undefined ? [] : [relL2])));
  const [operations, networks] = [errorsOf(false), errorsOf(true)];
  if (operations.length > 0)
    lines.push(`relative L2 of what was timed against f64 and between engines: at most ${worst(operations)}`);
  if (networks.length > 1) lines.push(`relative L2 between the networks' outputs: at most ${worst(networks)}`);
  return lines;
}

/** The software adapter's bar as lines for people and as data. @param {readonly CaseReport[]} cases of the whole suite */
export function softwareVerdict(cases) {
  const { peer, geometricMean, each, aim } = SOFTWARE_BAR;
  const by = (ratios) =>
    verdictOf(
      cases.map((c) => ({ id: c.id, ratio: c[ratios][peer]?.median })),
      SOFTWARE_BAR,
    );
  const [verdict, cpu] = [by('ratios'), by('cpuRatios')];
  const lines = [
    `geometric mean over ${cases.length} operations against ${peer}: ${fixed(verdict.geometricMean)} × (bar ${geometricMean} ×, aim ${aim} ×)`,
    `least: ${verdict.worst?.id ?? '-'} ${fixed(verdict.worst?.ratio)} × (bar ${each} ×)`,
    ...(verdict.missing.length > 0 ? [`not measured: ${verdict.missing.join(', ')}`] : []),
    `verdict: ${verdict.pass ? 'pass' : 'MISSED'}`,
    `by processor time, which a busy machine changes less: ${fixed(cpu.geometricMean)} ×, least ${cpu.worst?.id ?? '-'} ${fixed(cpu.worst?.ratio)} ×`,
  ];
  return {
    lines,
    data: { bar: SOFTWARE_BAR, ...verdict, cpu: { geometricMean: cpu.geometricMean, worst: cpu.worst } },
  };
}

const worst = (errors) => Math.max(...errors).toExponential(1);

const fixed = (value, digits = 2) => (value === undefined ? '-' : value.toFixed(digits));

/** Three digits. @param {{ medianMs?: number, ms?: number | number[] }} measured */
function time({ medianMs, ms }) {
  const value = medianMs ?? (typeof ms === 'number' ? ms : undefined);
  if (value === undefined) return '-';
  return value >= 100 ? value.toFixed(0) : value.toPrecision(3);
}

/** @param {CaseReport} c @param {number | undefined} ms */
function speed({ flops, bytes }, ms) {
  if (ms === undefined || bytes === undefined) return '';
  return flops > 0 ? `${(flops / ms / 1e6).toFixed(1)} GFLOP/s` : `${(bytes / ms / 1e6).toFixed(1)} GB/s`;
}

/** The first column to the left, the others to the right. @param {readonly string[]} head @param {readonly (readonly string[])[]} rows */
export function table(head, rows) {
  const widths = head.map((title, i) => Math.max(title.length, ...rows.map((row) => row[i].length)));
  const line = (row) => row.map((cell, i) => (i === 0 ? cell.padEnd(widths[i]) : cell.padStart(widths[i]))).join('  ');
  return [line(head), widths.map((w) => '-'.repeat(w)).join('  '), ...rows.map(line)].join('\n');
}

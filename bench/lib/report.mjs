import { verdicts } from './bars.mjs';
import { loadWarning, machineLines } from './machine.mjs';
import { fixed, mib, table } from './table.mjs';

/**
 * Everything one run of bench:e2e measured; what --json writes.
 * @typedef {object} Report
 * @property {ReturnType<typeof import('./machine.mjs').describeMachine>} machine
 * @property {{ model: string, modelHash: string, dtype: string, variants: string, batch: number, settings: object }} setting
 * @property {{ openMs: number, prepareMs: number, readyMs: number }} load
 * @property {number} firstMs first picture in this process after loading
 * @property {number} totalMs the profiled request, mean over the runs
 * @property {number} jsShare JavaScript's recording and submitting in all of it
 * @property {import('./profile-run.mjs').StageReport[]} stages
 * @property {ReturnType<typeof import('./floors.mjs').networkRows>} networks
 * @property {{ arena: number, weights: number, state: number, peakRss: number }} bytes
 * @property {Awaited<ReturnType<typeof import('./memory.mjs').memoryOverPictures>> | undefined} memory
 * @property {{ ms: number | undefined, emptyCacheMs: number | undefined, reason: string | undefined }} coldProcess
 */

/** @param {Report} r */
export function printReport(r) {
  const { machine, setting } = r;
  const blocks = [
    machineLines(machine).join('\n'),
    `model     ${setting.model} (${setting.modelHash.slice(0, 12)}), ${setting.dtype}, variants ${setting.variants}, batch ${setting.batch}`,
    stageTable(r.stages),
    networkTable(r.networks),
    memoryLines(r).join('\n'),
    timeLines(r).join('\n'),
    verdictTable(r),
  ];
  const warning = loadWarning(machine);
  console.log([...blocks, ...(warning === undefined ? [] : [warning])].join('\n\n'));
}

/** @param {Report['stages']} stages */
function stageTable(stages) {
  const times = ['stage', 'steps', 'ms', 'ms/step', 'GPU ms/step', 'dispatches'];
  const head = [...times, 'encode us', 'submit us', 'JS %', 'GFLOP/step', 'GFLOP/s'];
  const rows = stages.map((s) => [
    ...[s.stage, s.steps, fixed(s.wallMs, 0), fixed(s.stepMs, 2), fixed(s.gpuMs, 2), fixed(s.dispatches, 0)],
    ...[
      fixed(s.encodeUs, 2),
      fixed(s.submitUs, 2),
      fixed(100 * s.jsShare, 2),
      fixed(s.gflop, 4),
      fixed(s.gflopPerSecond, 2),
    ],
  ]);
  return `${table(head, rows)}\nms/step and what follows it: medians over the stage's steps. encode, submit: JavaScript a dispatch.`;
}

/** @param {Report['networks']} networks */
function networkTable(networks) {
  const head = [
    'program',
    'dispatches',
    'GFLOP',
    'floor MB',
    'arena MiB',
    'lower bound',
    'ratio',
    'weights MiB',
    'state MiB',
  ];
  const rows = networks.map((n) => [
    ...[n.name, n.dispatches, fixed(n.gflop, 4), fixed(n.floorBytes / 1e6, 2), mib(n.arenaBytes)],
    ...[mib(n.lowerBoundBytes), fixed(n.arenaRatio, 3), mib(n.weightBytes), mib(n.stateBytes)],
  ]);
  return table(head, rows);
}

/** @param {Report} r */
function memoryLines({ bytes, memory }) {
  const lines = [
    `memory    arena ${mib(bytes.arena)} MiB, weights ${mib(bytes.weights)} MiB, state ${mib(bytes.state)} MiB, peak of the process ${mib(bytes.peakRss)} MiB`,
  ];
  if (memory === undefined) return lines;
  lines.push(`after each picture, MiB: ${memory.rss.map((b) => (b / 2 ** 20).toFixed(0)).join(' ')}`);
  if (memory.slopeBytes !== undefined) lines.push(`slope     ${(memory.slopeBytes / 1024).toFixed(1)} KiB a picture`);
  return lines;
}

/** @param {Report} r */
function timeLines({ load, firstMs, totalMs, setting, coldProcess }) {
  const lines = [
    `load      folder and device ${load.openMs.toFixed(0)} ms, programs and weights ${load.prepareMs.toFixed(0)} ms, ready after ${load.readyMs.toFixed(0)} ms`,
    `pictures  the first ${(firstMs / 1e3).toFixed(2)} s, then ${(totalMs / setting.batch / 1e3).toFixed(2)} s each in batches of ${setting.batch}`,
  ];
  if (coldProcess.ms !== undefined) {
    const empty = coldProcess.emptyCacheMs;
    const more = empty === undefined ? '' : `; ${(empty / 1e3).toFixed(2)} s with the driver's cache empty`;
    lines.push(`process   ${(coldProcess.ms / 1e3).toFixed(2)} s from its start to the picture on disk${more}`);
  }
  return lines;
}

/** @param {Report} r */
function verdictTable(r) {
  const word = (pass) => (pass === undefined ? '-' : pass ? 'pass' : 'FAIL');
  return table(
    ['bar', 'measured', 'verdict'],
    verdicts(r).map((v) => [v.bar, v.measured, word(v.pass)]),
  );
}

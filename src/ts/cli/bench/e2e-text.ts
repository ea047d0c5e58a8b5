import type { EndToEnd, NetworkRow, Report, StageReport } from '../../bench/schema.js';
import { fixed, machineLines, settingText, table } from './cells.js';

const mib = (bytes: number): string => (bytes / 2 ** 20).toFixed(2);

/** What `bench e2e` prints. */
export function endToEndText({ machine, e2e }: Report): string {
  return [machineLines(machine).join('\n'), ...(e2e === undefined ? [] : endToEndBlocks(e2e))].join('\n\n');
}

export function endToEndBlocks(r: EndToEnd): string[] {
  const { setting } = r;
  return [
    `model     ${settingText(setting)}, variants ${setting.variants}, hash ${setting.modelHash.slice(0, 12)}`,
    stageTable(r.stages),
    networkTable(r.networks),
    memoryLines(r).join('\n'),
    timeLines(r).join('\n'),
    verdictTable(r.verdicts),
  ];
}

function stageTable(stages: readonly StageReport[]): string {
  const times = ['stage', 'steps', 'ms', 'ms/step', 'GPU ms/step', 'dispatches'];
  const head = [...times, 'encode us', 'submit us', 'JS waited %', 'GFLOP/step', 'GFLOP/s'];
  const rows = stages.map((s) => [
    ...[s.stage, String(s.steps), fixed(s.wallMs, 0), fixed(s.stepMs, 2), fixed(s.gpuMs, 2), fixed(s.dispatches, 0)],
    ...[fixed(s.encodeUs, 2), fixed(s.submitUs, 2), fixed(100 * s.jsShare, 2)],
    ...[fixed(s.gflop, 4), fixed(s.gflopPerSecond, 2)],
  ]);
  return `${table(head, rows)}\nms/step and what follows it: medians over the stage's steps. encode, submit: JavaScript a dispatch.`;
}

function networkTable(networks: readonly NetworkRow[]): string {
  const counts = ['program', 'dispatches', 'GFLOP', 'floor MB'];
  const head = [...counts, 'arena MiB', 'lower bound', 'ratio', 'weights MiB', 'state MiB'];
  const rows = networks.map((n) => [
    ...[n.name, String(n.dispatches), fixed(n.gflop, 4), fixed(n.floorBytes / 1e6, 2), mib(n.arenaBytes)],
    ...[mib(n.lowerBoundBytes), fixed(n.arenaRatio, 3), mib(n.weightBytes), mib(n.stateBytes)],
  ]);
  return table(head, rows);
}

function memoryLines({ bytes, memory }: EndToEnd): string[] {
  const lines = [
    `memory    arena ${mib(bytes.arena)} MiB, weights ${mib(bytes.weights)} MiB, state ${mib(bytes.state)} MiB, peak of the process ${mib(bytes.peakRss)} MiB`,
  ];
  if (memory === undefined) return lines;
  lines.push(`after each picture, MiB: ${memory.rss.map((b) => (b / 2 ** 20).toFixed(0)).join(' ')}`);
  if (memory.slopeBytes !== undefined) lines.push(`slope     ${(memory.slopeBytes / 1024).toFixed(1)} KiB a picture`);
  return lines;
}

function timeLines({ load, firstMs, totalMs, setting, coldProcess }: EndToEnd): string[] {
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

function verdictTable(verdicts: EndToEnd['verdicts']): string {
  const word = (pass: boolean | undefined): string => (pass === undefined ? '-' : pass ? 'pass' : 'FAIL');
  return table(
    ['bar', 'measured', 'verdict'],
    verdicts.map((v) => [v.bar, v.measured, word(v.pass)]),
  );
}

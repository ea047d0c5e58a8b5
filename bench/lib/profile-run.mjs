import { Profiler } from '../../dist/runtime/profiler.js';
import { floorsOf } from './floors.mjs';
import { median, sum } from './statistics.mjs';

/** @typedef {import('../../dist/runtime/profiler.js').SubmitRecord} SubmitRecord */
/** @typedef {import('../../dist/runtime/program.js').Program} Program */

/**
 * @typedef {object} StageReport
 * @property {string} stage
 * @property {number} steps
 * @property {number} wallMs of the whole stage, mean over the runs
 * @property {number} stepMs median wall time of a step
 * @property {number | undefined} gpuMs median GPU time of a step's pass
 * @property {number} dispatches of a step
 * @property {number} encodeUs JavaScript per dispatch to record the pass
 * @property {number} submitUs JavaScript per dispatch to finish and submit it
 * @property {number} jsShare of both in a step's wall time
 * @property {number} gflop of a step
 * @property {number} gflopPerSecond over the step's GPU time, or its wall time where there is no GPU time
 */

const STAGES = ['text', 'prior', 'decoder', 'superRes', 'pixels'];

/**
 * Draws one request `runs` times with every submit timed.
 * @param {import('../../dist/index.js').Unclip} unclip @param {import('../../dist/index.js').GenerateRequest} request
 * @param {number} runs
 * @returns {Promise<{ stages: StageReport[], programs: Program[], totalMs: number, jsShare: number }>}
 */
export async function profileRuns(unclip, request, runs) {
  const profiler = new Profiler(unclip.runtime.device);
  unclip.runtime.profiler = profiler;
  try {
    const laps = [];
    for (let i = 0; i < runs; i++) laps.push(...(await timedLaps(unclip, request, profiler)));
    const stages = STAGES.map((stage) =>
      summary(
        stage,
        laps.filter((l) => l.stage === stage),
        runs,
      ),
    );
    const records = laps.flatMap((l) => l.records);
    const wallMs = sum(laps.map((l) => l.wallMs));
    return {
      stages,
      programs: [...new Set(records.flatMap((r) => [...r.programs]))],
      totalMs: wallMs / runs,
      jsShare: sum(records.map((r) => r.encodeMs + r.submitMs)) / wallMs,
    };
  } finally {
    unclip.runtime.profiler = undefined;
    profiler.destroy();
  }
}

/**
 * One drawing, cut at every report of progress.
 * @param {Profiler} profiler @returns {Promise<{ stage: string, wallMs: number, records: SubmitRecord[] }[]>}
 */
async function timedLaps(unclip, request, profiler) {
  const laps = [];
  let mark = performance.now();
  /** @param {string} stage */
  const lap = (stage) => {
    laps.push({ stage, wallMs: performance.now() - mark, until: profiler.count });
    mark = performance.now();
  };
  await unclip.generate({ ...request, onProgress: ({ stage }) => lap(stage) });
  lap('pixels');
  const records = await profiler.collect();
  return laps.map(({ stage, wallMs, until }, i) => ({
    stage,
    wallMs,
    records: records.slice(laps[i - 1]?.until ?? 0, until),
  }));
}

/**
 * A stage's once-only programs count in its first step alone; medians leave them out.
 * @param {string} stage @param {Awaited<ReturnType<typeof timedLaps>>} laps @param {number} runs @returns {StageReport}
 */
function summary(stage, laps, runs) {
  const steps = laps.map(({ wallMs, records }) => {
    const gpu = records.map((r) => r.gpuMs);
    return {
      wallMs,
      encodeMs: sum(records.map((r) => r.encodeMs)),
      submitMs: sum(records.map((r) => r.submitMs)),
      gpuMs: gpu.includes(undefined) ? undefined : sum(gpu),
      dispatches: sum(records.map((r) => r.dispatches)),
      flops: sum(records.flatMap((r) => r.programs.map((p) => floorsOf(p).flops))),
    };
  });
  const gpuTimes = steps.map((s) => s.gpuMs).filter((ms) => ms !== undefined);
  const stepMs = median(steps.map((s) => s.wallMs));
  const gpuMs = gpuTimes.length === steps.length ? median(gpuTimes) : undefined;
  const flops = median(steps.map((s) => s.flops));
  return {
    stage,
    steps: steps.length / runs,
    wallMs: sum(steps.map((s) => s.wallMs)) / runs,
    stepMs,
    gpuMs,
    dispatches: median(steps.map((s) => s.dispatches)),
    encodeUs: median(steps.map((s) => (1e3 * s.encodeMs) / s.dispatches)),
    submitUs: median(steps.map((s) => (1e3 * s.submitMs) / s.dispatches)),
    jsShare: median(steps.map((s) => (s.encodeMs + s.submitMs) / s.wallMs)),
    gflop: flops / 1e9,
    gflopPerSecond: flops / 1e6 / (gpuMs ?? stepMs),
  };
}

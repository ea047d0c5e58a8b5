import type { GenerateRequest } from '../../pipelines/text-to-image.js';
import type { Unclip } from '../../pipelines/unclip.js';
import { Profiler, type SubmitRecord } from '../../runtime/profiler.js';
import type { Program } from '../../runtime/program.js';
import { floorsOf } from '../floors.js';
import type { StageReport } from '../schema.js';
import { median, sum } from '../statistics.js';

const STAGES = ['text', 'prior', 'decoder', 'superRes', 'pixels'];

export interface Profile {
  readonly stages: StageReport[];
  /** Every program that ran, once. */
  readonly programs: Program[];
  /** Of a request, mean over the runs. */
  readonly totalMs: number;
  /** JavaScript's recording and submitting that the GPU waited for, in the wall time. */
  readonly jsShare: number;
}

interface Lap {
  readonly stage: string;
  readonly wallMs: number;
  readonly records: readonly SubmitRecord[];
}

/** JavaScript time that the GPU waited for: what is recorded while it runs the step before costs it nothing. */
const waitedForMs = (r: SubmitRecord): number => (r.ahead ? 0 : r.encodeMs) + r.submitMs;

/** Draws one request `runs` times with every submit timed. */
export async function profileRuns(unclip: Unclip, request: GenerateRequest, runs: number): Promise<Profile> {
  const profiler = new Profiler(unclip.runtime.device);
  unclip.runtime.profiler = profiler;
  try {
    const laps: Lap[] = [];
    for (let i = 0; i < runs; i++) laps.push(...(await timedLaps(unclip, request, profiler)));
    const records = laps.flatMap((l) => l.records);
    const wallMs = sum(laps.map((l) => l.wallMs));
    return {
      stages: STAGES.map((stage) => {
        const own = laps.filter((l) => l.stage === stage);
        return summary(stage, own, runs);
      }),
      programs: [...new Set(records.flatMap((r) => [...r.programs]))],
      totalMs: wallMs / runs,
      jsShare: sum(records.map(waitedForMs)) / wallMs,
    };
  } finally {
    unclip.runtime.profiler = undefined;
    profiler.destroy();
  }
}

/** One drawing, cut at every report of progress. */
async function timedLaps(unclip: Unclip, request: GenerateRequest, profiler: Profiler): Promise<Lap[]> {
  const cuts: { stage: string; wallMs: number; until: number }[] = [];
  let mark = performance.now();
  const cut = (stage: string): void => {
    cuts.push({ stage, wallMs: performance.now() - mark, until: profiler.count });
    mark = performance.now();
  };
  await unclip.generate({ ...request, onProgress: ({ stage }) => cut(stage) });
  cut('pixels');
  const records = await profiler.collect();
  return cuts.map(({ stage, wallMs, until }, i) => ({
    stage,
    wallMs,
    records: records.slice(cuts[i - 1]?.until ?? 0, until),
  }));
}

/** A stage's once-only programs count in its first step alone; medians leave them out. */
function summary(stage: string, laps: readonly Lap[], runs: number): StageReport {
  const steps = laps.map(({ wallMs, records }) => {
    const gpu = records.map((r) => r.gpuMs);
    return {
      wallMs,
      encodeMs: sum(records.map((r) => r.encodeMs)),
      submitMs: sum(records.map((r) => r.submitMs)),
      waitedForMs: sum(records.map(waitedForMs)),
      gpuMs: gpu.some((ms) => ms === undefined) ? undefined : sum(gpu as number[]),
      dispatches: sum(records.map((r) => r.dispatches)),
      flops: sum(records.flatMap((r) => r.programs.map((p) => floorsOf(p.compiled).flops))),
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
    jsShare: median(steps.map((s) => s.waitedForMs / s.wallMs)),
    gflop: flops / 1e9,
    gflopPerSecond: flops / 1e6 / (gpuMs ?? stepMs),
  };
}

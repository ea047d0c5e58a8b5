import { LANE_STAGES } from '../pipelines/scheduler/policy.js';
import type { SchedulerMetrics, StageMetrics } from '../pipelines/scheduler/scheduler-metrics.js';

type Stages = SchedulerMetrics['stages'];
type Active = SchedulerMetrics['active'];

/** Steps of several schedulers together. */
export function sumStages(all: readonly Stages[]): Stages {
  const sums: Partial<Record<keyof Stages, StageMetrics>> = {};
  for (const stage of LANE_STAGES) {
    const parts = all.flatMap((stages) => stages[stage] ?? []);
    if (parts.length > 0) sums[stage] = parts.reduce(addStage);
  }
  return sums;
}

/** Pictures under way in several schedulers together. */
export function sumActive(all: readonly Active[]): Active {
  const sums: Partial<Record<keyof Active, number>> = {};
  for (const stage of LANE_STAGES) {
    const sum = all.reduce((total, active) => total + (active[stage] ?? 0), 0);
    if (sum > 0) sums[stage] = sum;
  }
  return sums;
}

function addStage(a: StageMetrics, b: StageMetrics): StageMetrics {
  const sizes: Record<number, number> = { ...a.sizes };
  for (const [size, count] of Object.entries(b.sizes)) sizes[Number(size)] = (sizes[Number(size)] ?? 0) + count;
  return {
    batches: a.batches + b.batches,
    pictures: a.pictures + b.pictures,
    sizes,
    stepMs: a.stepMs + b.stepMs,
  };
}

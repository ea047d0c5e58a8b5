import type { DeviceCaps, Tuning } from '../types.js';

/** Sizes of shaders/matmul/tile-core.wgsl. */
export interface TileShape extends Tuning {
  /** Rows × columns of the output that one workgroup computes, and the step along K. */
  readonly BM: number;
  readonly BN: number;
  readonly BK: number;
  /** Rows × columns that one invocation keeps in registers. */
  readonly RM: number;
  readonly RN: number;
  /** Buffers in workgroup memory that the steps alternate between. */
  readonly STAGES: number;
}

const tile = (BM: number, BN: number, BK: number, RM: number, RN: number, STAGES: number): TileShape => ({
  ...{ BM, BN, BK, RM, RN, STAGES },
});

/**
 * What there is to choose from, with the share of the arithmetic peak that its inner loop leaves possible: multiply-adds against
 * loads from workgroup memory (bench/notes/gpu-kernels.md). Long steps are for products of so few tiles that each step waits for
 * its operands.
 */
const CATALOGUE: readonly (readonly [TileShape, number])[] = [
  [tile(128, 128, 16, 8, 8, 2), 1],
  [tile(128, 128, 8, 8, 8, 2), 0.96],
  [tile(128, 128, 16, 8, 8, 1), 0.95],
  [tile(128, 128, 32, 8, 8, 1), 0.95],
  [tile(128, 64, 16, 8, 8, 2), 0.92],
  [tile(128, 64, 16, 8, 8, 1), 0.88],
  [tile(64, 64, 16, 8, 4, 2), 0.75],
  [tile(64, 64, 32, 8, 4, 1), 0.72],
  [tile(64, 64, 16, 4, 4, 1), 0.55],
  [tile(32, 64, 16, 8, 4, 2), 0.6],
  [tile(32, 64, 32, 4, 4, 1), 0.5],
  [tile(16, 64, 16, 4, 4, 2), 0.45],
  [tile(16, 64, 64, 4, 4, 1), 0.45],
  [tile(64, 16, 32, 4, 4, 1), 0.3],
];

/**
 * A GPU of middle to large size, and a CPU of few cores: units that work on tiles at the same time, multiply-adds of a unit in a
 * nanosecond, and nanoseconds from asking for operands to having them, paid once a step.
 */
const MACHINES = {
  hardware: { units: 100, rate: 200, latency: 700 },
  software: { units: 2, rate: 2, latency: 0 },
};

const workgroupBytes = (t: TileShape, elementBytes: number): number => (t.BM + t.BN) * t.BK * t.STAGES * elementBytes;

const invocations = (t: TileShape): number => (t.BM / t.RM) * (t.BN / t.RN);

/** All numbers of the shader: the sizes, and how often its unrolled loops repeat. */
export function tileDefines(t: TileShape): Record<string, number> {
  const loads = (rowsOrColumns: number): number => Math.ceil((rowsOrColumns * t.BK) / 4 / invocations(t));
  return { ...t, QUADS: t.RN / 4, A_LOADS: loads(t.BM), B_LOADS: loads(t.BN) };
}

/** Tiles of a rows × columns result. */
export const tileCount = (t: TileShape, rows: number, columns: number): number =>
  Math.ceil(rows / t.BM) * Math.ceil(columns / t.BN);

/** Expected nanoseconds for one k of a rows × columns product. */
function cost(t: TileShape, loop: number, rows: number, columns: number, machine: typeof MACHINES.hardware): number {
  const perUnit = Math.max(1, tileCount(t, rows, columns) / machine.units);
  // Workgroups that share a unit wait at the same time.
  const waits = machine.latency / t.BK / Math.min(4, perUnit);
  return waits + (perUnit * t.BM * t.BN) / (machine.rate * loop);
}

/**
 * Tiles that an adapter can run, the one that promises most first. Per-image rows decide, never the batch.
 * @param elementBytes of the operands in workgroup memory: 4, or 2 with TILE_F16
 */
export function tileTunings(
  rowsPerImage: number,
  columns: number,
  caps: DeviceCaps,
  elementBytes: 2 | 4 = 4,
): readonly TileShape[] {
  const fitting = CATALOGUE.filter(
    ([t]) => workgroupBytes(t, elementBytes) <= caps.maxWorkgroupBytes && invocations(t) <= caps.maxInvocations,
  );
  const machine = caps.software ? MACHINES.software : MACHINES.hardware;
  const costs = new Map(fitting.map(([t, loop]) => [t, cost(t, loop, rowsPerImage, columns, machine)]));
  return [...costs.keys()].sort((a, b) => costs.get(a)! - costs.get(b)!);
}

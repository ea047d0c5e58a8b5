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
 * What there is to choose from, with the share of the arithmetic peak that its inner loop leaves possible: loads from workgroup
 * memory against multiply-adds, and rows of A and B against the tile (bench/notes/gpu-kernels.md).
 */
const CATALOGUE: readonly (readonly [TileShape, number])[] = [
  [tile(128, 128, 16, 8, 8, 2), 1],
  [tile(128, 128, 8, 8, 8, 2), 0.96],
  [tile(128, 128, 16, 8, 8, 1), 0.95],
  [tile(128, 128, 32, 8, 8, 1), 0.94],
  [tile(128, 64, 16, 8, 8, 2), 0.92],
  [tile(128, 64, 16, 8, 8, 1), 0.88],
  [tile(64, 64, 16, 8, 4, 2), 0.75],
  [tile(64, 64, 16, 4, 4, 1), 0.55],
  [tile(32, 64, 16, 8, 4, 2), 0.6],
  [tile(32, 64, 16, 4, 4, 2), 0.5],
  [tile(16, 64, 16, 4, 4, 2), 0.45],
  [tile(64, 16, 16, 4, 4, 2), 0.4],
];

/** Workgroups that keep a GPU of middle size, or a few cores, busy; a grid of fewer tiles leaves parts of it idle. */
const FULL_GRID = { hardware: 128, software: 4 };

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

/** Expected share of a GPU's peak: the inner loop's, of what is no padding, of what is busy. */
function score(t: TileShape, loop: number, rows: number, columns: number, fullGrid: number): number {
  const tiles = tileCount(t, rows, columns);
  const padding = (rows * columns) / (tiles * t.BM * t.BN);
  return loop * padding * Math.min(1, tiles / fullGrid);
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
  const fullGrid = caps.software ? FULL_GRID.software : FULL_GRID.hardware;
  const scored = fitting.map(([t, loop]) => ({ t, score: score(t, loop, rowsPerImage, columns, fullGrid) }));
  return scored.sort((a, b) => b.score - a.score).map((s) => s.t);
}

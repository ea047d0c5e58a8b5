import { storageDefines } from '../lowering.js';
import type { DeviceCaps, OpCall, Tuning } from '../types.js';

/** Whether the one-subgroup kernels run here and pay: a CPU driver with a subgroup size they were written for. */
export const cpuSubgroup = ({ software, subgroupSize }: DeviceCaps): boolean =>
  software && (subgroupSize === 4 || subgroupSize === 8);

/** Columns a lane owns in the one-subgroup kernels: as many as n fills, and so that they divide n. */
export function columnsPerLane(n: number, subgroupSize: number): 1 | 2 | 4 {
  if (n % 4 === 0 && n > 2 * subgroupSize) return 4;
  return n % 2 === 0 && n > subgroupSize ? 2 : 1;
}

/** Rows a workgroup that do most with a load, 24, where they do not leave 5 % more of the last tile empty than 16 do. */
function rowsPerTile(rows: number): 8 | 16 | 24 {
  if (rows <= 8) return 8;
  const padded = (tile: number): number => Math.ceil(rows / tile) * tile;
  return padded(24) <= 1.05 * padded(16) ? 24 : 16;
}

/**
 * Tiles of a one-subgroup kernel: COLS columns a lane, ROWS rows a workgroup. First as many as `n` columns and an image's rows fill;
 * then fewer, which leave fewer lanes idle at the edges, and more columns. All give the same bits.
 * @param rows of an image; undefined for kernels whose tile has a shape of its own
 */
export function cpuTiles(n: number, rows: number | undefined, { subgroupSize }: DeviceCaps): readonly Tuning[] {
  const usual = columnsPerLane(n, subgroupSize);
  const columns = [usual, usual / 2, usual * 2].filter((cols) => [1, 2, 4].includes(cols) && n % cols === 0);
  if (rows === undefined) return columns.map((COLS) => ({ COLS }));
  const most = rowsPerTile(rows);
  return [24, 16, 8].filter((r) => r <= most).flatMap((ROWS) => columns.map((COLS) => ({ COLS, ROWS })));
}

/** Switches of shaders/matmul/columns.wgsl. */
export const cpuDefines = (call: OpCall, caps: DeviceCaps, cols: number): Record<string, boolean | number> => ({
  ...storageDefines(call.dtype),
  SUBGROUP: caps.subgroupSize,
  COLS4: cols === 4,
  COLS2: cols === 2,
});

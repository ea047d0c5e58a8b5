/** Rows × columns of the output that one workgroup of the portable kernels computes, and rows per invocation. */
export interface TileShape {
  readonly BM: number;
  readonly BN: number;
  readonly RM: number;
}

/** Tile of matmul/tile-core: flat for few rows per image, narrow for few columns, so that less of a tile is idle. */
export function portableTile(rowsPerImage: number, columns: number): TileShape {
  if (columns <= 16) return { BM: 64, BN: 16, RM: 4 };
  return rowsPerImage < 32 ? { BM: 16, BN: 64, RM: 4 } : { BM: 64, BN: 64, RM: 4 };
}

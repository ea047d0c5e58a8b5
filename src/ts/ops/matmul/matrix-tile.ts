import type { DeviceCaps, MatrixConfig, OpCall, Tuning } from '../types.js';

/** Sizes of shaders/matmul/matrix-tile.wgsl: workgroup tile, its step along K, subgroup tile, halves of workgroup memory. */
type Tile = Readonly<Record<'BM' | 'BN' | 'BK' | 'WM' | 'WN' | 'STAGES', number>>;

/** A tile, the shape of the matrix unit that it is made of, and the slices of K that are summed up apart from one another. */
export type MatrixTuning = Tile & Readonly<Record<'MAT_M' | 'MAT_N' | 'MAT_K' | 'SLICES', number>>;

/** A product as one image sees it: never the batch. */
export interface Extents {
  readonly rows: number;
  readonly columns: number;
  readonly depth: number;
}

const tile = (BM: number, BN: number, BK: number, WM: number, WN: number, STAGES: number): Tile => ({
  ...{ BM, BN, BK, WM, WN, STAGES },
});

/**
 * What a tuner may try. Subgroup tiles of 64×64 need half the reads of workgroup memory per product that 32×32 need, and four
 * times the registers; narrow and flat tiles are for few columns and few rows.
 */
const TILES: readonly Tile[] = [
  tile(128, 128, 32, 64, 64, 2),
  tile(128, 256, 32, 64, 64, 1),
  tile(128, 256, 16, 64, 64, 2),
  tile(256, 128, 32, 64, 64, 1),
  tile(128, 128, 32, 64, 32, 1),
  tile(128, 128, 16, 64, 64, 2),
  tile(128, 64, 32, 64, 32, 2),
  tile(128, 64, 32, 32, 32, 2),
  tile(64, 64, 32, 32, 32, 2),
  tile(64, 64, 64, 32, 32, 2),
  tile(64, 64, 64, 32, 32, 1),
  tile(64, 64, 16, 32, 32, 2),
  tile(128, 32, 32, 32, 32, 2),
  tile(32, 128, 32, 32, 32, 2),
];

/**
 * The GPU that the heuristic has in mind, per core and clock: floating-point operations of the matrix units, and bytes from
 * workgroup memory and from the L2 cache. Large ones of 2022 to 2026 are alike in the ratios (bench/notes/matrix.md).
 */
const GPU = { cores: 128, flops: 2540, workgroupBytes: 128, cacheBytes: 23, start: 1500, dispatch: 4000 };

/** Shapes that the kernels can use, largest first: f16 operands and f32 sums; f16 sums would not meet the tolerance. */
export const matrixShapes = (caps: DeviceCaps): MatrixConfig[] =>
  caps.matrixConfigs
    .filter(
      ({ M, N, K, componentType, resultComponentType }) =>
        componentType === 'f16' &&
        resultComponentType === 'f32' &&
        [M, N, K].every((extent) => extent % 8 === 0 && 32 % extent === 0),
    )
    .sort((a, b) => b.M * b.N * b.K - a.M * a.N * a.K || b.M - a.M);

const subgroupsOf = ({ BM, BN, WM, WN }: Tile): number => (BM / WM) * (BN / WN);

/** Elements of 16 bytes in a slab of workgroup memory, whichever way operands lie, and columns of sums that leave through one at a time. */
function slabOf({ BK, WM, WN, MAT_M, MAT_N }: Omit<MatrixTuning, 'SLICES'>): { slab: number; strip: number } {
  const operands = Math.max(...[WM, WN].flatMap((width) => [width * (BK / 8 + 1), BK * (width / 8 + 1)]));
  const sums = (strip: number): number => (MAT_M * (strip + 8)) / 4;
  let strip = WN;
  while (strip > MAT_N && sums(strip) > operands) strip /= 2;
  return { slab: Math.max(operands, sums(strip)), strip };
}

/** Bytes of workgroup memory. */
export function matrixWorkgroupBytes(t: MatrixTuning): number {
  const slabs = Math.max((t.BM / t.WM + t.BN / t.WN) * t.STAGES, subgroupsOf(t));
  return slabs * slabOf(t).slab * 16;
}

function fits(t: MatrixTuning, caps: DeviceCaps): boolean {
  const threads = subgroupsOf(t) * caps.subgroupMaxSize;
  return (
    threads <= caps.maxInvocations &&
    threads % (t.BK / 8) === 0 &&
    threads % (t.BN / 8) === 0 &&
    threads % (t.BM / 8) === 0 &&
    t.BK % t.MAT_K === 0 &&
    matrixWorkgroupBytes(t) <= caps.maxWorkgroupBytes
  );
}

/**
 * Clocks that one image's product takes: rounds of {@link GPU.cores} workgroups. Along K a workgroup takes as long as the scarcest
 * of multiplying, reading workgroup memory and reading the cache, and partly the sum, since they overlap only partly; then its
 * sums go out through workgroup memory, as f16, or as f32 where slices are yet to be added up.
 */
function cost({ BM, BN, WM, WN }: Tile, slices: number, { rows, columns, depth }: Extents): number {
  const parts = [
    (2 * BM * BN) / GPU.flops,
    (((2 * BM * BN) / (WM * WN)) * (WM + WN)) / GPU.workgroupBytes,
    (2 * (BM + BN)) / GPU.cacheBytes,
  ];
  const clocksPerK = Math.max(...parts) + parts.reduce((a, b) => a + b) / 4;
  const sumBytes = slices === 1 ? 2 : 4;
  const ends = GPU.start + BM * BN * (8 / GPU.workgroupBytes + sumBytes / GPU.cacheBytes);
  const workgroups = Math.ceil(rows / BM) * Math.ceil(columns / BN) * slices;
  const rounds = Math.ceil(workgroups / GPU.cores) + workgroups / 1e4;
  const product = rounds * (clocksPerK * (depth / slices) + ends);
  const adding = GPU.dispatch + (4 * slices * rows * columns) / (GPU.cacheBytes * GPU.cores);
  return slices === 1 ? product : product + adding;
}

/**
 * Shortest slice of K. Where a batch keeps the GPU busy anyway, slices are a loss that must be borne for the sake of equal bits: the
 * partial sums' way through memory and back then takes about a quarter of the product's time.
 */
const SHORTEST_SLICE = 2048;

/** Rows × columns of the largest result that is summed up in slices: larger ones fill any GPU. */
const MOST_SLICED = 2 ** 19;

/** Numbers of slices of K that make no more workgroups of one image than run at once. */
function slicesOf({ BM, BN }: Tile, { rows, columns, depth }: Extents): number[] {
  const tiles = Math.ceil(rows / BM) * Math.ceil(columns / BN);
  const pays = (s: number): boolean =>
    rows * columns <= MOST_SLICED && depth >= s * SHORTEST_SLICE && tiles * s <= GPU.cores;
  return [1, ...[2, 3, 4, 6, 8].filter(pays)];
}

/** One matrix a subgroup: CPU drivers compile the tiles of a GPU for minutes. */
const oneMatrix = (shape: Omit<MatrixTuning, keyof Tile | 'SLICES'>): MatrixTuning => {
  const { MAT_M, MAT_N, MAT_K } = shape;
  return { ...tile(2 * MAT_M, 2 * MAT_N, 2 * MAT_K, MAT_M, MAT_N, 2), ...shape, SLICES: 1 };
};

/**
 * Tile sizes that run on this adapter, the best for one image first, as far as arithmetic can tell: every tile with its best
 * number of slices. Every shape of the matrix units is offered with the first few.
 */
export function matrixTunings(extents: Extents, caps: DeviceCaps): MatrixTuning[] {
  const [first, ...others] = matrixShapes(caps).map(({ M, N, K }) => ({ MAT_M: M, MAT_N: N, MAT_K: K }));
  if (first === undefined || caps.subgroupMaxSize === 0) return [];
  if (caps.software) return [oneMatrix(first)].filter((t) => fits(t, caps));
  const ranked = TILES.map((tile) => {
    const options = slicesOf(tile, extents).map((SLICES) => ({ tile, SLICES, clocks: cost(tile, SLICES, extents) }));
    return options.reduce((best, o) => (o.clocks < best.clocks ? o : best));
  }).sort((a, b) => a.clocks - b.clocks);
  const main = ranked.map(({ tile, SLICES }) => ({ ...tile, ...first, SLICES })).filter((t) => fits(t, caps));
  const alternatives = others.flatMap((shape) => main.slice(0, 2).map((t) => ({ ...t, ...shape })));
  return [...main, ...alternatives.filter((t) => fits(t, caps))];
}

/** Numbers of shaders/matmul/matrix-tile.wgsl. */
export function matrixDefines(tuning: Tuning, caps: DeviceCaps): Record<string, number | boolean> {
  const { SLICES, ...t } = tuning as MatrixTuning;
  const { slab, strip } = slabOf(t);
  const threads = subgroupsOf(t) * caps.subgroupMaxSize;
  return {
    ...t,
    SPLIT: SLICES > 1,
    SPARE: caps.subgroupSize !== caps.subgroupMaxSize,
    THREADS: threads,
    SLAB: slab,
    STRIP: strip,
    TILES_M: t.WM / t.MAT_M,
    TILES_N: t.WN / t.MAT_N,
    STEPS: t.BK / t.MAT_K,
    STRIPS: t.WN / strip,
    STRIP_TILES: strip / t.MAT_N,
    A_LOADS: Math.ceil((t.BM * t.BK) / 8 / threads),
    B_LOADS: Math.ceil((t.BN * t.BK) / 8 / threads),
  };
}

/** Fewer rows an image than this leave matrix units idle and are bound by reading the weights: other kernels do that better. */
const FEWEST_ROWS = 8;

/** Whether a product in f16 runs on this adapter's matrix units, and pays. */
export const runsOnMatrixUnits = (call: OpCall, extents: Extents, caps: DeviceCaps): boolean =>
  call.dtype === 'f16' && caps.f16 && extents.rows >= FEWEST_ROWS && matrixTunings(extents, caps).length > 0;

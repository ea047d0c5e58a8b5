// Numbers of matmul/matrix-tile, and how the workgroup's parts of A and B lie in its memory.
// Workgroup memory holds a slab per subgroup row of A (WM rows of BK) and per subgroup column of B (BK rows of WN). Rows are 16
// bytes longer than their contents: the eight rows of a matrix begin in eight different groups of banks. (Swizzling by XOR is
// out of reach: a matrix is loaded with one stride.) One index picks a slab and every offset in it is a constant, so range checks
// are settled at compile time; a computed offset would make even the stride of every matrix load a computed value.
// Elements are of eight halves, rows and strides too. Rows lie as they do in memory: those of A along K, or along M with
// TRANSPOSE_A; those of B along N, or along K with TRANSPOSE_B.
//#const BM u32
//#const BN u32
//#const BK u32
//#const WM u32
//#const WN u32
//#const STAGES u32
//#const THREADS u32
//#const STRIP u32
//#const MAT_M u32
//#const MAT_N u32
//#const MAT_K u32
//#const TILES_M u32
//#const TILES_N u32
//#const A_LOADS u32
//#const B_LOADS u32
//#const SLAB u32
const SUBS_M: u32 = BM / WM;
const SUBS_N: u32 = BN / WN;
const SUBGROUPS: u32 = SUBS_M * SUBS_N;
// NEXT is the distance of neighbouring matrices in a slab.
const W_ROW: u32 = WN / 8u;
//#if TRANSPOSE_A
const A_ROWS: u32 = BK;
const A_ROW: u32 = BM / 8u;
const LDA: u32 = WM / 8u + 1u;
const NEXT_M: u32 = MAT_M / 8u;
const NEXT_KA: u32 = MAT_K * LDA;
//#else
const A_ROWS: u32 = BM;
const A_ROW: u32 = BK / 8u;
const LDA: u32 = A_ROW + 1u;
const NEXT_M: u32 = MAT_M * LDA;
const NEXT_KA: u32 = MAT_K / 8u;
//#endif
//#if TRANSPOSE_B
const B_ROWS: u32 = BN;
const B_ROW: u32 = BK / 8u;
const LDB: u32 = B_ROW + 1u;
const NEXT_N: u32 = MAT_N * LDB;
const NEXT_KB: u32 = MAT_K / 8u;
//#else
const B_ROWS: u32 = BK;
const B_ROW: u32 = BN / 8u;
const LDB: u32 = W_ROW + 1u;
const NEXT_N: u32 = MAT_N / 8u;
const NEXT_KB: u32 = MAT_K * LDB;
//#endif
const A_STEP: u32 = THREADS / A_ROW;
const B_STEP: u32 = THREADS / B_ROW;
// A strip: MAT_M × STRIP sums of one subgroup on their way out, as f32; rows are 8 sums longer than their contents.
const LDS: u32 = (STRIP + 8u) / 4u;
const STRIPS: u32 = WN / STRIP;
const STRIP_TILES: u32 = STRIP / MAT_N;
const SLABS: u32 = SUBS_M + SUBS_N;

/// Slab and place in it of element (row, column) of the workgroup's part of A.
fn place_a(row: u32, column: u32) -> vec2<u32> {
//#if TRANSPOSE_A
  return vec2<u32>(column / (WM / 8u), row * LDA + column % (WM / 8u));
//#else
  return vec2<u32>(row / WM, row % WM * LDA + column);
//#endif
}

fn place_b(row: u32, column: u32) -> vec2<u32> {
//#if TRANSPOSE_B
  return vec2<u32>(SUBS_M + row / WN, row % WN * LDB + column);
//#else
  return vec2<u32>(SUBS_M + column / W_ROW, row * LDB + column % W_ROW);
//#endif
}

// Sums of products of the one-subgroup kernels: ROWS rows (8, 16 or 24) × SUBGROUP·COLS columns (matmul/columns), a lane owns COLS
// columns of all rows. Entry e of the left operand lies in lane e % SUBGROUP of element e / SUBGROUP.
// More rows make more of each load of the right operand; from 32 on the rows of large matrices evict one another from the cache.
//#import matmul/columns
//#const ROWS u32
const LOADS: u32 = ROWS / SUBGROUP;
const BLOCKS: u32 = ROWS / 8u;
/// Accumulators of 8 rows: CPU drivers leave larger arrays in memory.
alias Block = array<Cols, 8>;

/// Adds the products of four k to 8 rows, the first of which is entry e0.
fn add_rows(acc: ptr<function, Block>, v: ptr<function, array<vec4<f32>, LOADS>>, e0: u32, wk: array<Cols, 4>) {
  for (var i = 0u; i < 8u; i++) {
    let a = subgroupShuffle(v[(e0 + i) / SUBGROUP], (e0 + i) % SUBGROUP);
    acc[i] = fma(Cols(a.w), wk[3], fma(Cols(a.z), wk[2], fma(Cols(a.y), wk[1], fma(Cols(a.x), wk[0], acc[i]))));
  }
}

// Sums of products of the one-subgroup kernels: ROWS rows (16 with ROWS16, else 8) × SUBGROUP·COLS columns (matmul/columns), a
// lane owns COLS columns of all rows. Entry e of the left operand lies in lane e % SUBGROUP of element e / SUBGROUP.
// Accumulators are one array for 8 rows: CPU drivers leave larger ones in memory.
//#import matmul/columns
//#if ROWS16
const ROWS: u32 = 16u;
//#else
const ROWS: u32 = 8u;
//#endif
const LOADS: u32 = ROWS / SUBGROUP;

/// Adds the products of four k to 8 rows, the first of which is entry e0.
fn add_rows(acc: ptr<function, array<Cols, 8>>, v: ptr<function, array<vec4<f32>, LOADS>>, e0: u32, wk: array<Cols, 4>) {
  for (var i = 0u; i < 8u; i++) {
    let a = subgroupShuffle(v[(e0 + i) / SUBGROUP], (e0 + i) % SUBGROUP);
    acc[i] = fma(Cols(a.w), wk[3], fma(Cols(a.z), wk[2], fma(Cols(a.y), wk[1], fma(Cols(a.x), wk[0], acc[i]))));
  }
}

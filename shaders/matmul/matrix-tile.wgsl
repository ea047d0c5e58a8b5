// Tiled product out[M, N] = A[M, K] · B[K, N] on matrix units ("tensor cores"): f16 operands, f32 sums.
// Layers: grid (groups of GROUP_M tile rows, walked column by column, so that what a group reads stays in the L2 cache) →
// workgroup (BM×BN, in steps of BK along K) → subgroup (WM×WN, all its sums in registers) → matrix (MAT_M×MAT_N×MAT_K, a shape
// that the adapter reports). While a step is multiplied, the next is on its way from memory into registers; with STAGES 2 it goes
// on into the other half of workgroup memory, and a step costs one barrier; with 1 into the same half, and it costs two.
// How A and B lie there: matmul/matrix-slabs.
// Loops over matrices are unrolled in the text: an array of matrices that a variable indexes may end up in memory.
// The including file supplies sizes() -> (M, N); k_range(layer) -> first k and end, layer being the third coordinate of the grid;
// struct Row; row_of(m) -> Row (any m); Position along K; position_at(k, m); advanced(position), by BK;
// load_a(row, position) -> eight halves A[m, k…k+7]; load_b(k, n) -> B[k, n…n+7]; both zero outside;
// store(m, n, first four sums, last four), n a multiple of 8 below N.
// TRANSPOSE_A: A lies k by k: row_of gets 0…BK−1, position_at(k, m) the first of eight m, load_a is A[m…m+7, k + row].
// TRANSPOSE_B: B lies n by n: load_b is B[k…k+7, n].
// Assumes: MAT_M, MAT_N, MAT_K multiples of 8 that divide WM, STRIP and BK; STRIP divides WN; BK/8, BM/8 and BN/8 divide THREADS, a
// multiple of the largest subgroup size. SPARE: the adapter may form smaller subgroups; those past SUBGROUPS only copy.
// A sum runs over k in ascending groups of MAT_K, the same at any place in a tile: results do not depend on the tile sizes
// nor on neighbours. Error: f32 accumulation, ≤ K·2⁻²³·Σ|a·b|, then whatever store rounds.
enable f16;
enable subgroups;
enable chromium_experimental_subgroup_matrix;
requires subgroup_id;
//#import matmul/matrix-slabs
const GROUP_M: u32 = 8u;

alias Left = subgroup_matrix_left<f16, MAT_K, MAT_M>;
alias Right = subgroup_matrix_right<f16, MAT_N, MAT_K>;
alias Sums = subgroup_matrix_result<f32, MAT_N, MAT_M>;

/// Third coordinate of the workgroup: a slice of K, or a matrix of a batch.
var<private> layer: u32;
var<workgroup> slabs: array<array<vec4<u32>, SLAB>, max(SLABS * STAGES, SUBGROUPS)>;

/// First row and column of the workgroup's tile.
fn tile_origin(tile: u32, size: vec2<u32>) -> vec2<u32> {
  let shape = vec2<u32>(BM, BN);
  let tiles = (size + shape - 1u) / shape;
  let group = GROUP_M * tiles.y;
  let first = tile / group * GROUP_M;
  let rows = min(GROUP_M, tiles.x - min(first, tiles.x - 1u));
  return vec2<u32>(first + tile % group % rows, tile % group / rows) * shape;
}

@compute @workgroup_size(THREADS)
fn main(
  @builtin(workgroup_id) wg: vec3<u32>,
  @builtin(num_workgroups) groups: vec3<u32>,
  @builtin(local_invocation_index) lid: u32,
  @builtin(subgroup_id) subgroup: u32,
) {
  let size = sizes();
  let origin = tile_origin(wg.x + wg.y * groups.x, size);
  if (origin.x >= size.x) { return; }
  layer = wg.z;
  let range = k_range(wg.z);

  // An invocation copies the same columns of every A_STEP-th row of A and of every B_STEP-th row of B.
  let a_row = lid / A_ROW;
  let a_column = lid % A_ROW;
  let b_row = lid / B_ROW;
  let b_column = lid % B_ROW;
  var rows: array<Row, A_LOADS>;
  var next_a: array<vec4<u32>, A_LOADS>;
  var next_b: array<vec4<u32>, B_LOADS>;
//#if TRANSPOSE_A
  let first_row = a_row;
  var position = position_at(range.x, origin.x + a_column * 8u);
//#else
  let first_row = origin.x + a_row;
  var position = position_at(range.x + a_column * 8u, 0u);
//#endif
//#if TRANSPOSE_B
  let b_first = vec2<u32>(b_column * 8u, origin.y + b_row);
  const B_NEXT = vec2<u32>(0u, B_STEP);
//#else
  let b_first = vec2<u32>(b_row, origin.y + b_column * 8u);
  const B_NEXT = vec2<u32>(B_STEP, 0u);
//#endif
//#unroll i A_LOADS
  rows[i] = row_of(first_row + i * A_STEP);
  next_a[i] = load_a(rows[i], position);
//#endunroll
//#unroll i B_LOADS
  let at = b_first + i * B_NEXT;
  next_b[i] = load_b(range.x + at.x, at.y);
//#endunroll

  let sub_m = subgroup / SUBS_N;
  let sub_n = subgroup % SUBS_N;
  var sums: array<Sums, TILES_M * TILES_N>;
  var stage = 0u;
  for (var k = range.x; k < range.y; k += BK) {
    if (STAGES == 1u) { workgroupBarrier(); }
//#unroll i A_LOADS
    let row = a_row + i * A_STEP;
    if (A_LOADS * A_STEP == A_ROWS || row < A_ROWS) {
      let at = place_a(row, a_column);
      slabs[stage + at.x][at.y] = next_a[i];
    }
//#endunroll
//#unroll i B_LOADS
    let row = b_row + i * B_STEP;
    if (B_LOADS * B_STEP == B_ROWS || row < B_ROWS) {
      let at = place_b(row, b_column);
      slabs[stage + at.x][at.y] = next_b[i];
    }
//#endunroll
    workgroupBarrier();
    if (k + BK < range.y) {
      position = advanced(position);
//#unroll i A_LOADS
      next_a[i] = load_a(rows[i], position);
//#endunroll
//#unroll i B_LOADS
      let at = b_first + i * B_NEXT;
      next_b[i] = load_b(k + BK + at.x, at.y);
//#endunroll
    }
//#if SPARE
    if (subgroup < SUBGROUPS)
//#endif
    {
      let a = &slabs[stage + sub_m];
      let b = &slabs[stage + SUBS_M + sub_n];
//#unroll step STEPS
      var left: array<Left, TILES_M>;
//#unroll i TILES_M
//#if TRANSPOSE_A
      left[i] = subgroupMatrixLoad<Left, col_major>(a, i * NEXT_M + step * NEXT_KA, LDA);
//#else
      left[i] = subgroupMatrixLoad<Left, row_major>(a, i * NEXT_M + step * NEXT_KA, LDA);
//#endif
//#endunroll
//#unroll j TILES_N
//#if TRANSPOSE_B
      let right = subgroupMatrixLoad<Right, col_major>(b, j * NEXT_N + step * NEXT_KB, LDB);
//#else
      let right = subgroupMatrixLoad<Right, row_major>(b, j * NEXT_N + step * NEXT_KB, LDB);
//#endif
//#unroll i TILES_M
      sums[i * TILES_N + j] = subgroupMatrixMultiplyAccumulate(left[i], right, sums[i * TILES_N + j]);
//#endunroll
//#endunroll
//#endunroll
    }
    if (STAGES == 2u) { stage = SLABS - stage; }
  }

  // Single elements of a matrix cannot be reached: sums go out strip by strip through workgroup memory, in one copy of the code.
  for (var strip = 0u; strip < TILES_M * STRIPS; strip++) {
    workgroupBarrier();
//#if SPARE
    if (subgroup < SUBGROUPS)
//#endif
    {
      let out = &slabs[subgroup];
//#unroll i TILES_M
//#unroll s STRIPS
      if (strip == i * STRIPS + s) {
//#unroll j STRIP_TILES
        subgroupMatrixStore<row_major>(out, j * MAT_N / 4u, sums[i * TILES_N + s * STRIP_TILES + j], LDS);
//#endunroll
      }
//#endunroll
//#endunroll
    }
    workgroupBarrier();
    for (var e = lid; e < SUBGROUPS * MAT_M * (STRIP / 8u); e += THREADS) {
      let column = e % (STRIP / 8u);
      let row = e / (STRIP / 8u) % MAT_M;
      let owner = e / (STRIP / 8u * MAT_M);
      let m = origin.x + owner / SUBS_N * WM + strip / STRIPS * MAT_M + row;
      let o = origin.y + owner % SUBS_N * WN + strip % STRIPS * STRIP + column * 8u;
      if (m < size.x && o < size.y) {
        let at = row * LDS + column * 2u;
        store(m, o, bitcast<vec4<f32>>(slabs[owner][at]), bitcast<vec4<f32>>(slabs[owner][at + 1u]));
      }
    }
  }
}

// Tiled product out[M, N] = A[M, K] · B[K, N] on matrix units ("tensor cores"): f16 operands, f32 sums.
// Layers: grid (groups of GROUP_M tile rows, walked column by column, so that what a group reads stays in the L2 cache) →
// workgroup (BM×BN, in steps of BK along K) → subgroup (WM×WN, all its sums in registers) → matrix (MAT_M×MAT_N×MAT_K, a shape
// that the adapter reports). While a step is multiplied, the next is on its way from memory into registers; with STAGES 2 it goes
// on into the other half of workgroup memory, and a step costs one barrier; with 1 into the same half, and it costs two.
// Workgroup memory holds a slab per subgroup row of A (WM rows of BK) and per subgroup column of B (BK rows of WN). Rows are 16
// bytes longer than their contents: the eight rows of a matrix begin in eight different groups of banks. (Swizzling by XOR is
// out of reach: a matrix is loaded with one stride.) One index picks a slab and every offset in it is a constant, so range checks
// are settled at compile time; a computed offset would make even the stride of every matrix load a computed value.
// Loops over matrices are unrolled in the text: an array of matrices that a variable indexes may end up in memory.
// The including file supplies sizes() -> (M, N); k_range(layer) -> first k and end, layer being the third coordinate of
// the grid; struct Row; row_of(m) -> Row (any m); Position along K; position_at(k); advanced(position), by BK;
// load_a(row, position) -> eight halves A[m, k…k+7]; load_b(k, n) -> B[k, n…n+7]; both zero outside;
// store(m, n, first four sums, last four), n a multiple of 8 below N.
// Assumes: MAT_M, MAT_N, MAT_K multiples of 8 that divide WM, STRIP and BK; STRIP divides WN; BK/8 and BN/8 divide THREADS, a
// multiple of the largest subgroup size. SPARE: the adapter may form smaller subgroups; those past SUBGROUPS only copy.
// A sum runs over k in ascending groups of MAT_K, the same at any place in a tile: results do not depend on the tile sizes
// nor on neighbours. Error: f32 accumulation, ≤ K·2⁻²³·Σ|a·b|, then whatever store rounds.
enable f16;
enable subgroups;
enable chromium_experimental_subgroup_matrix;
requires subgroup_id;
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
const GROUP_M: u32 = 8u;
const SUBS_M: u32 = BM / WM;
const SUBS_N: u32 = BN / WN;
const SUBGROUPS: u32 = SUBS_M * SUBS_N;
// Arrays are counted in elements of eight halves, rows and strides too.
const A_ROW: u32 = BK / 8u;
const B_ROW: u32 = BN / 8u;
const W_ROW: u32 = WN / 8u;
const LDA: u32 = A_ROW + 1u;
const LDB: u32 = W_ROW + 1u;
const A_STEP: u32 = THREADS / A_ROW;
const B_STEP: u32 = THREADS / B_ROW;
// A strip: MAT_M × STRIP sums of one subgroup on their way out, as f32; rows are 8 sums longer than their contents.
const LDS: u32 = (STRIP + 8u) / 4u;
const STRIPS: u32 = WN / STRIP;
const STRIP_TILES: u32 = STRIP / MAT_N;
const SLAB: u32 = max(max(WM * LDA, BK * LDB), MAT_M * LDS);
const SLABS: u32 = SUBS_M + SUBS_N;

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
  var position = position_at(range.x + a_column * 8u);
  let n = origin.y + b_column * 8u;
//#unroll i A_LOADS
  rows[i] = row_of(origin.x + a_row + i * A_STEP);
  next_a[i] = load_a(rows[i], position);
//#endunroll
//#unroll i B_LOADS
  next_b[i] = load_b(range.x + b_row + i * B_STEP, n);
//#endunroll

  let sub_m = subgroup / SUBS_N;
  let sub_n = subgroup % SUBS_N;
  var sums: array<Sums, TILES_M * TILES_N>;
  var stage = 0u;
  for (var k = range.x; k < range.y; k += BK) {
    if (STAGES == 1u) { workgroupBarrier(); }
//#unroll i A_LOADS
    let row = a_row + i * A_STEP;
    if (A_LOADS * A_STEP == BM || row < BM) { slabs[stage + row / WM][row % WM * LDA + a_column] = next_a[i]; }
//#endunroll
//#unroll i B_LOADS
    let row = b_row + i * B_STEP;
    if (B_LOADS * B_STEP == BK || row < BK) {
      slabs[stage + SUBS_M + b_column / W_ROW][row * LDB + b_column % W_ROW] = next_b[i];
    }
//#endunroll
    workgroupBarrier();
    if (k + BK < range.y) {
      position = advanced(position);
//#unroll i A_LOADS
      next_a[i] = load_a(rows[i], position);
//#endunroll
//#unroll i B_LOADS
      next_b[i] = load_b(k + BK + b_row + i * B_STEP, n);
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
      left[i] = subgroupMatrixLoad<Left, row_major>(a, i * MAT_M * LDA + step * MAT_K / 8u, LDA);
//#endunroll
//#unroll j TILES_N
      let right = subgroupMatrixLoad<Right, row_major>(b, step * MAT_K * LDB + j * MAT_N / 8u, LDB);
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

// out[i, M, N] = scale · a[i] · b[i or 0] for a batch of matrices, for CPU drivers: one subgroup a workgroup, no barrier.
// a[i] is [M, K], or [K, M] with TRANSPOSE_A; b[i] is [K, N], or [N, K] with TRANSPOSE_B; rows lie without gaps.
// A subgroup computes ROWS rows × SUBGROUP·COLS columns of one matrix (matmul/one-subgroup; why so: matmul/linear-cpu). Per step
// it loads four k of its rows, a row a lane, and four k of each lane's own columns: as vec4 along k where they lie so (VEC_A: a
// not transposed, VEC_B: b transposed, K a multiple of 4), as Cols along n, or one by one. COLS (COLS1: 1) must divide N.
// Sums run over k in ascending order in f32 with fma: error ≤ K·2⁻²⁴·Σ|a·b|.
enable subgroups;
requires immediate_address_space;
//#const SUBGROUP u32
//#import common/types
//#import matmul/epilogue
//#import matmul/one-subgroup
struct Params { m: u32, k: u32, n: u32, batch: u32, stride_b: u32, scale: f32 }
var<immediate> p: Params;
//#if VEC_A
@group(0) @binding(0) var<storage, read_write> a: array<Elem4>;
//#else
@group(0) @binding(0) var<storage, read_write> a: array<Elem>;
//#endif
//#if TRANSPOSE_B
//#if VEC_B
@group(0) @binding(1) var<storage, read_write> b: array<Elem4>;
//#else
@group(0) @binding(1) var<storage, read_write> b: array<Elem>;
//#endif
//#else
@group(0) @binding(1) var<storage, read_write> b: array<ElemCols>;
//#endif
@group(0) @binding(2) var<storage, read_write> out: array<ElemCols>;

/// a[m, 4·quad … 4·quad+3] of the matrix whose first element is `base`; zero past K.
fn load_a(base: u32, m: u32, quad: u32) -> vec4<f32> {
//#if VEC_A
  return vec4<f32>(a[(base + m * p.k) / 4u + quad]);
//#else
  var v = vec4<f32>();
  for (var i = 0u; i < 4u; i++) {
    let k = quad * 4u + i;
//#if TRANSPOSE_A
    if (k < p.k) { v[i] = f32(a[base + k * p.m + m]); }
//#else
    if (k < p.k) { v[i] = f32(a[base + m * p.k + k]); }
//#endif
  }
  return v;
//#endif
}

/// Rows 4·quad … 4·quad+3 of Cols n of b. Past K, where a is zero, the last row stands in.
fn load_b(base: u32, quad: u32, n: u32) -> array<Cols, 4> {
  var rows: array<Cols, 4>;
//#if TRANSPOSE_B
  for (var j = 0u; j < COLS; j++) {
    let column = base + min(n * COLS + j, p.n - 1u) * p.k;
//#if VEC_B
    let v = vec4<f32>(b[column / 4u + quad]);
    for (var c = 0u; c < 4u; c++) { set_col(&rows, c, j, v[c]); }
//#else
    for (var c = 0u; c < 4u; c++) { set_col(&rows, c, j, f32(b[column + min(quad * 4u + c, p.k - 1u)])); }
//#endif
  }
//#else
  for (var c = 0u; c < 4u; c++) { rows[c] = Cols(b[(base + min(quad * 4u + c, p.k - 1u) * p.n) / COLS + n]); }
//#endif
  return rows;
}

//#if TRANSPOSE_B
fn set_col(rows: ptr<function, array<Cols, 4>>, c: u32, j: u32, value: f32) {
//#if COLS1
  rows[c] = value;
//#else
  rows[c][j] = value;
//#endif
}
//#endif

@compute @workgroup_size(SUBGROUP)
fn main(
  @builtin(workgroup_id) wg: vec3<u32>,
  @builtin(num_workgroups) groups: vec3<u32>,
  @builtin(subgroup_invocation_id) lane: u32,
) {
  let tiles_n = (p.n + SUBGROUP * COLS - 1u) / (SUBGROUP * COLS);
  let tiles_m = (p.m + ROWS - 1u) / ROWS;
  let tile = wg.x + wg.y * groups.x;
  let n = tile % tiles_n * SUBGROUP + lane;
  let m0 = tile / tiles_n % tiles_m * ROWS;
  let matrix = tile / (tiles_n * tiles_m);
  if (matrix >= p.batch) { return; }
  let base_a = matrix * p.m * p.k;
  let base_b = matrix * p.stride_b;

  var acc: array<Block, BLOCKS>;
  for (var quad = 0u; quad * 4u < p.k; quad++) {
    // Rows past the end repeat the last one; they are not written.
    var quads: array<vec4<f32>, LOADS>;
    for (var j = 0u; j < LOADS; j++) { quads[j] = load_a(base_a, min(m0 + j * SUBGROUP + lane, p.m - 1u), quad); }
    let rows = load_b(base_b, quad, n);
    for (var b = 0u; b < BLOCKS; b++) { add_rows(&acc[b], &quads, 8u * b, rows); }
  }

  if (n * COLS >= p.n) { return; }
  // A loop of unknown length, over a copy: one copy of the store's code, and the accumulators stay in registers.
  var sums: array<Cols, ROWS>;
  for (var i = 0u; i < ROWS; i++) { sums[i] = acc[i / 8u][i % 8u]; }
  for (var i = 0u; i < min(ROWS, p.m - m0); i++) {
    out[(matrix * p.m + m0 + i) * p.n / COLS + n] = ElemCols(p.scale * sums[i]);
  }
}

// Tiled product out[M, N] = A[M, K] · B[K, N] through workgroup memory; WGSL core only, any adapter.
// A workgroup of (BN/4)·(BM/RM) invocations computes a BM×BN tile in steps of BK along K; an invocation owns RM rows × 4 columns.
// The including file supplies: struct Row; row_of(m) -> Row (any m); load_a(row, k) -> four values A[m, k…k+3], zero outside;
// load_b(k, n) -> B[k, n…n+3], zero outside; store(m, n, sum); sizes() -> (M, N, K).
// Sums run over k in ascending order in f32, whatever the tile: results do not depend on BM, BN, BK, RM (error ≤ K·2⁻²⁴·Σ|a·b|).
// Assumes BK = 16, and the number of invocations dividing BM·BK/4 and BK·BN/4.
//#const BM u32
//#const BN u32
//#const RM u32
const BK: u32 = 16u;
const COLS: u32 = BN / 4u;
const THREADS: u32 = COLS * (BM / RM);
const A_LOADS: u32 = BM * BK / 4u / THREADS;
const B_LOADS: u32 = BK * BN / 4u / THREADS;

var<workgroup> tile_a: array<vec4<f32>, BM * BK / 4u>;  // [m][k/4]
var<workgroup> tile_b: array<vec4<f32>, BK * COLS>;     // [k][n/4]

@compute @workgroup_size(THREADS)
fn main(
  @builtin(workgroup_id) wg: vec3<u32>,
  @builtin(num_workgroups) groups: vec3<u32>,
  @builtin(local_invocation_index) lid: u32,
) {
  let size = sizes();
  let tiles_n = (size.y + BN - 1u) / BN;
  let tile = wg.x + wg.y * groups.x;
  let m0 = tile / tiles_n * BM;
  let n0 = tile % tiles_n * BN;
  let tx = lid % COLS;
  let ty = lid / COLS;

  var rows: array<Row, A_LOADS>;
  for (var i = 0u; i < A_LOADS; i++) { rows[i] = row_of(m0 + (lid + i * THREADS) / (BK / 4u)); }

  var acc: array<vec4<f32>, RM>;
  for (var k0 = 0u; k0 < size.z; k0 += BK) {
    for (var i = 0u; i < A_LOADS; i++) {
      let e = lid + i * THREADS;
      tile_a[e] = load_a(rows[i], k0 + e % (BK / 4u) * 4u);
    }
    for (var i = 0u; i < B_LOADS; i++) {
      let e = lid + i * THREADS;
      tile_b[e] = load_b(k0 + e / COLS, n0 + e % COLS * 4u);
    }
    workgroupBarrier();
    for (var k4 = 0u; k4 < BK / 4u; k4++) {
      let b0 = tile_b[(k4 * 4u) * COLS + tx];
      let b1 = tile_b[(k4 * 4u + 1u) * COLS + tx];
      let b2 = tile_b[(k4 * 4u + 2u) * COLS + tx];
      let b3 = tile_b[(k4 * 4u + 3u) * COLS + tx];
      for (var r = 0u; r < RM; r++) {
        let a = tile_a[(ty * RM + r) * (BK / 4u) + k4];
        acc[r] = fma(vec4<f32>(a.w), b3, fma(vec4<f32>(a.z), b2, fma(vec4<f32>(a.y), b1, fma(vec4<f32>(a.x), b0, acc[r]))));
      }
    }
    workgroupBarrier();
  }

  let n = n0 + tx * 4u;
  if (n >= size.y) { return; }
  for (var r = 0u; r < RM; r++) {
    let m = m0 + ty * RM + r;
    if (m < size.x) { store(m, n, acc[r]); }
  }
}

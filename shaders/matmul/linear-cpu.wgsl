// out[M, N] = act(x[M, K] · w[K, LDW] + bias) + residual for CPU drivers: one subgroup a workgroup, no barrier.
// A subgroup computes ROWS rows × SUBGROUP·COLS columns; a lane owns COLS columns of all rows, in registers.
// x is read as vec4 along K, a row a lane, and handed round with subgroupShuffle; a load costs there as much as some 20 products
// (lanes are loaded one by one, bounds checked), so each is used as often as the registers allow.
// w is padded with zeros to LDW = N rounded up to 4 columns, bias likewise; rows of x, residual and out are exactly K or N wide.
// VEC_K: K is a multiple of 4. COLS must divide N. Q8: w is int8 with f32 scales (matmul/weight-columns).
// Sums run over k in ascending order in f32 with fma, whatever the number of rows: error ≤ K·2⁻²⁴·Σ|x·w|.
enable subgroups;
requires immediate_address_space;
//#const SUBGROUP u32
//#import common/types
//#import matmul/epilogue
//#import matmul/one-subgroup
//#import matmul/weight-columns
struct Params { m: u32, k: u32, n: u32, flags: u32 }
var<immediate> p: Params;
//#if VEC_K
@group(0) @binding(0) var<storage, read_write> x: array<Elem4>;
//#else
@group(0) @binding(0) var<storage, read_write> x: array<Elem>;
//#endif
@group(0) @binding(1) var<storage, read> w: array<WeightElem>;
@group(0) @binding(2) var<storage, read> bias: array<Cols>;
@group(0) @binding(3) var<storage, read_write> residual: array<ElemCols>;
@group(0) @binding(4) var<storage, read_write> out: array<ElemCols>;
//#if Q8
@group(0) @binding(5) var<storage, read> scales: array<Cols>;
//#endif

/// x[m, 4·quad…4·quad+3] of the row whose first element is `base`; zero past K.
fn load_quad(base: u32, quad: u32) -> vec4<f32> {
//#if VEC_K
  return vec4<f32>(x[base / 4u + quad]);
//#else
  var v = vec4<f32>();
  for (var i = 0u; i < 4u; i++) {
    if (quad * 4u + i < p.k) { v[i] = f32(x[base + quad * 4u + i]); }
  }
  return v;
//#endif
}

@compute @workgroup_size(SUBGROUP)
fn main(
  @builtin(workgroup_id) wg: vec3<u32>,
  @builtin(num_workgroups) groups: vec3<u32>,
  @builtin(subgroup_invocation_id) lane: u32,
) {
  let ldw = weight_stride(p.n);
  let tiles_n = (p.n + SUBGROUP * COLS - 1u) / (SUBGROUP * COLS);
  let tile = wg.x + wg.y * groups.x;
  let n = tile % tiles_n * SUBGROUP + lane;
  let m0 = tile / tiles_n * ROWS;
  if (m0 >= p.m) { return; }

  // Rows past the end repeat the last one; they are not written.
  var base: array<u32, LOADS>;
  for (var j = 0u; j < LOADS; j++) { base[j] = min(m0 + j * SUBGROUP + lane, p.m - 1u) * p.k; }
  var acc: array<Block, BLOCKS>;
  for (var quad = 0u; quad * 4u < p.k; quad++) {
    var quads: array<vec4<f32>, LOADS>;
    for (var j = 0u; j < LOADS; j++) { quads[j] = load_quad(base[j], quad); }
    var wk: array<Cols, 4>;
    // Past the last k x is zero; the last row of w stands in there.
    for (var c = 0u; c < 4u; c++) { wk[c] = weight_cols(min(quad * 4u + c, p.k - 1u) * ldw, n); }
    for (var b = 0u; b < BLOCKS; b++) { add_rows(&acc[b], &quads, 8u * b, wk); }
  }

  if (n * COLS >= p.n) { return; }
  var extra = Cols();
  if ((p.flags & HAS_BIAS) != 0u) { extra = bias[n]; }
  // A loop of unknown length: one copy of the epilogue's code instead of ROWS. It indexes a copy, so that the accumulators stay
  // in registers.
  var sums: array<Cols, ROWS>;
  for (var i = 0u; i < ROWS; i++) { sums[i] = acc[i / 8u][i % 8u]; }
  for (var i = 0u; i < min(ROWS, p.m - m0); i++) {
    let at = (m0 + i) * p.n / COLS + n;
//#if Q8
    var v = activate_cols(sums[i] * scales[n] + extra, p.flags >> 8u);
//#else
    var v = activate_cols(sums[i] + extra, p.flags >> 8u);
//#endif
    if ((p.flags & HAS_RESIDUAL) != 0u) { v += Cols(residual[at]); }
    out[at] = ElemCols(v);
  }
}

// What follows the sums of a product in f16: out[M, N] = act(sum + bias) + residual, eight columns at a time. Q8: sums of int8
// weights, sum · scale of the column stands for sum.
// bias is f32, padded with zeros to a multiple of 4; rows of residual and out are exactly N wide. VEC_N: N is a multiple of 8.
// SPLIT: K is cut into `slices` slices of `slice`, and an image has `rows` rows (matmul/matrix-parts).
requires immediate_address_space;
//#import matmul/eight
struct Params {
  m: u32, k: u32, n: u32, flags: u32,
//#if SPLIT
  rows: u32, slice: u32, slices: u32,
//#endif
}
var<immediate> p: Params;
@group(0) @binding(2) var<storage, read> bias: array<vec4<f32>>;
//#if VEC_N
@group(0) @binding(3) var<storage, read_write> residual: array<vec4<u32>>;
@group(0) @binding(4) var<storage, read_write> out: array<vec4<u32>>;
//#else
@group(0) @binding(3) var<storage, read_write> residual: array<f16>;
@group(0) @binding(4) var<storage, read_write> out: array<f16>;
//#endif
//#if Q8
@group(0) @binding(5) var<storage, read> scales: array<vec4<f32>>;
const PARTS: u32 = 6u;
//#else
const PARTS: u32 = 5u;
//#endif

/// Columns n…n+7 of row m, n a multiple of 8 below N.
fn finish(m: u32, n: u32, lo_sum: vec4<f32>, hi_sum: vec4<f32>) {
  var lo = lo_sum;
  var hi = hi_sum;
//#if Q8
  lo *= scales[n / 4u];
  if (n + 4u < p.n) { hi *= scales[n / 4u + 1u]; }
//#endif
  if ((p.flags & HAS_BIAS) != 0u) {
    lo += bias[n / 4u];
    if (n + 4u < p.n) { hi += bias[n / 4u + 1u]; }
  }
  lo = activate4(lo, p.flags >> 8u);
  hi = activate4(hi, p.flags >> 8u);
  let at = m * p.n + n;
//#if VEC_N
  if ((p.flags & HAS_RESIDUAL) != 0u) {
    let r = residual[at / 8u];
    lo += low_four(r);
    hi += high_four(r);
  }
  out[at / 8u] = pack_eight(lo, hi);
//#else
  for (var i = 0u; i < min(8u, p.n - n); i++) {
    var v = of_eight(lo, hi, i);
    if ((p.flags & HAS_RESIDUAL) != 0u) { v += f32(residual[at + i]); }
    out[at + i] = f16(v);
  }
//#endif
}

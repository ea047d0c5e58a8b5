// out[M, N] = act(x[M, K] · w[K, LDW] + bias) + residual in f16 on matrix units, any M, K, N. Tiling, accumulation and error bound:
// matmul/matrix-tile. w is padded with zeros to LDW = N rounded up to 4 columns, bias (f32) likewise; rows of x, residual and
// out are exactly K or N wide. VEC_K: K is a multiple of 8, VEC_N: N is (rows are read and written 16 bytes at a time).
requires immediate_address_space;
//#import matmul/eight
struct Params { m: u32, k: u32, n: u32, flags: u32 }
var<immediate> p: Params;
//#if VEC_K
@group(0) @binding(0) var<storage, read_write> x: array<vec4<u32>>;
//#else
@group(0) @binding(0) var<storage, read_write> x: array<f16>;
//#endif
@group(0) @binding(1) var<storage, read> w: array<WeightElem>;
@group(0) @binding(2) var<storage, read> bias: array<vec4<f32>>;
//#if VEC_N
@group(0) @binding(3) var<storage, read_write> residual: array<vec4<u32>>;
@group(0) @binding(4) var<storage, read_write> out: array<vec4<u32>>;
//#else
@group(0) @binding(3) var<storage, read_write> residual: array<f16>;
@group(0) @binding(4) var<storage, read_write> out: array<f16>;
//#endif
//#import matmul/packed-eight
//#import matmul/matrix-tile

struct Row { base: u32, valid: bool }
alias Position = u32;

fn sizes() -> vec4<u32> { return vec4<u32>(p.m, p.n, p.k, p.k); }

fn row_of(m: u32) -> Row { return Row(m * p.k, m < p.m); }

fn position_at(k: u32) -> Position { return k; }

fn advanced(k: Position) -> Position { return k + BK; }

fn load_a(row: Row, k: Position) -> vec4<u32> {
  if (!row.valid || k >= p.k) { return vec4<u32>(); }
//#if VEC_K
  return x[(row.base + k) / 8u];
//#else
  var v: array<f16, 8>;
  for (var i = 0u; i < 8u; i++) {
    if (k + i < p.k) { v[i] = x[row.base + k + i]; }
  }
  return halves(v);
//#endif
}

fn load_b(k: u32, n: u32) -> vec4<u32> {
  if (k >= p.k || n >= p.n) { return vec4<u32>(); }
  return packed_eight(k, n, p.n);
}

fn store(m: u32, n: u32, lo_sum: vec4<f32>, hi_sum: vec4<f32>) {
  var lo = lo_sum;
  var hi = hi_sum;
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

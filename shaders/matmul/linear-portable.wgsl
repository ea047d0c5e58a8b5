// out[M, N] = act(x[M, K] · w[K, LDW] + bias) + residual, f32 accumulation, any M, K, N. WGSL core only.
// w is padded with zeros to LDW = N rounded up to 4 columns, bias likewise; rows of x, residual and out are exactly K or N wide.
// Q8: w is int8 with f32 scales (matmul/weight-quads). VEC_K: K is a multiple of 4 (x read as vec4). VEC_N: N is a multiple of 4 (residual and out as vec4).
requires immediate_address_space;
//#import common/types
//#import matmul/epilogue
//#import matmul/depth
//#import matmul/tile-core
//#import matmul/weight-quads
struct Params { m: u32, k: u32, n: u32, flags: u32 }
var<immediate> p: Params;
//#if VEC_K
@group(0) @binding(0) var<storage, read_write> x: array<Elem4>;
//#else
@group(0) @binding(0) var<storage, read_write> x: array<Elem>;
//#endif
@group(0) @binding(1) var<storage, read> w: array<WeightElem>;
@group(0) @binding(2) var<storage, read> bias: array<vec4<f32>>;
//#if VEC_N
@group(0) @binding(3) var<storage, read_write> residual: array<Elem4>;
@group(0) @binding(4) var<storage, read_write> out: array<Elem4>;
//#else
@group(0) @binding(3) var<storage, read_write> residual: array<Elem>;
@group(0) @binding(4) var<storage, read_write> out: array<Elem>;
//#endif
//#if Q8
@group(0) @binding(5) var<storage, read> scales: array<vec4<f32>>;
//#endif

struct Row { base: u32, valid: bool }

fn sizes() -> vec3<u32> { return vec3<u32>(p.m, p.n, p.k); }

fn row_of(m: u32) -> Row { return Row(m * p.k, m < p.m); }

fn load_a(row: Row, k: u32) -> Tile4 {
  var v = Tile4();
  if (!row.valid || k >= p.k) { return v; }
//#if VEC_K
  v = Tile4(x[(row.base + k) / 4u]);
//#else
  for (var i = 0u; i < min(4u, p.k - k); i++) { v[i] = TileElem(x[row.base + k + i]); }
//#endif
  return v;
}

fn load_b(k: u32, n: u32) -> Tile4 {
  if (k >= p.k || n >= p.n) { return Tile4(); }
  return weight_quad(w[k * ((p.n + 3u) / 4u) + n / 4u]);
}

fn store(m: u32, n: u32, sum: vec4<f32>) {
  var v = sum;
//#if Q8
  v *= scales[n / 4u];
//#endif
  if ((p.flags & HAS_BIAS) != 0u) { v += bias[n / 4u]; }
  v = activate4(v, p.flags >> 8u);
//#if VEC_N
  let i = (m * p.n + n) / 4u;
  if ((p.flags & HAS_RESIDUAL) != 0u) { v += vec4<f32>(residual[i]); }
  out[i] = Elem4(v);
//#else
  let i = m * p.n + n;
  for (var j = 0u; j < min(4u, p.n - n); j++) {
    var s = v[j];
    if ((p.flags & HAS_RESIDUAL) != 0u) { s += f32(residual[i + j]); }
    out[i + j] = Elem(s);
  }
//#endif
}

// The sums x[M, K] · w[K, LDW] in f16 on matrix units, any M, K, N. Tiling, accumulation and error bound: matmul/matrix-tile.
// w is padded with zeros to LDW = N rounded up to 4 columns. VEC_K: K is a multiple of 8, VEC_N: N is (rows are read 16 bytes at a
// time). What follows a sum: matmul/linear-finish. With SPLIT the third coordinate of the grid is a slice of K, and sums go to
// `parts` in f32 for matmul/linear-matrix-sum.
//#import matmul/linear-finish
//#if VEC_K
@group(0) @binding(0) var<storage, read_write> x: array<vec4<u32>>;
//#else
@group(0) @binding(0) var<storage, read_write> x: array<f16>;
//#endif
@group(0) @binding(1) var<storage, read> w: array<WeightElem>;
//#import matmul/packed-eight
//#import matmul/matrix-tile
//#if SPLIT
@group(0) @binding(PARTS) var<storage, read_write> parts: array<vec4<f32>>;
//#import matmul/matrix-slice

fn k_range(layer: u32) -> vec2<u32> { return slice_of(layer, p.k, p.slice); }

fn store(m: u32, n: u32, lo: vec4<f32>, hi: vec4<f32>) { store_part(m, n, lo, hi, Parts(p.rows, p.n, p.slices)); }
//#else
fn k_range(_layer: u32) -> vec2<u32> { return vec2<u32>(0u, p.k); }

fn store(m: u32, n: u32, lo: vec4<f32>, hi: vec4<f32>) { finish(m, n, lo, hi); }
//#endif

struct Row { base: u32, valid: bool }
alias Position = u32;

fn sizes() -> vec2<u32> { return vec2<u32>(p.m, p.n); }

fn row_of(m: u32) -> Row { return Row(m * p.k, m < p.m); }

fn position_at(k: u32, _m: u32) -> Position { return k; }

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

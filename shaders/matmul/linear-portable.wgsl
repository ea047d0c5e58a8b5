// out[M, N] = act(x[M, K] · w[K, LDW] + bias) + residual, any M, K, N. WGSL core only.
// Layout and epilogue: matmul/linear-common; tiling, accumulation and error bound: matmul/tile-core.
//#import matmul/linear-common
//#import matmul/depth
//#import matmul/tile-core
//#import matmul/weight-quads

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

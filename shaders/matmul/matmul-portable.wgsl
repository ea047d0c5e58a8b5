// out[i, M, N] = scale · a[i] · b[i or 0] for a batch of matrices, f32 accumulation, any M, K, N. WGSL core only.
// a[i] is [M, K], or [K, M] with TRANSPOSE_A; b[i] is [K, N], or [N, K] with TRANSPOSE_B; rows lie without gaps.
// Grid (tiles, 1 or more, matrices); tiling, accumulation and error bound: matmul/tile-core.
// VEC_A, VEC_B: that operand is not transposed and its rows are a multiple of 4 wide (read as vec4); VEC_N: N is one (out).
requires immediate_address_space;
//#import common/types
//#import matmul/depth
//#import matmul/depth
//#import matmul/tile-core
struct Params { m: u32, k: u32, n: u32, stride_b: u32, scale: f32 }
var<immediate> p: Params;
//#if VEC_A
@group(0) @binding(0) var<storage, read_write> a: array<Elem4>;
//#else
@group(0) @binding(0) var<storage, read_write> a: array<Elem>;
//#endif
//#if VEC_B
@group(0) @binding(1) var<storage, read_write> b: array<Elem4>;
//#else
@group(0) @binding(1) var<storage, read_write> b: array<Elem>;
//#endif
//#if VEC_N
@group(0) @binding(2) var<storage, read_write> out: array<Elem4>;
//#else
@group(0) @binding(2) var<storage, read_write> out: array<Elem>;
//#endif

struct Row { m: u32, valid: bool }

fn sizes() -> vec3<u32> { return vec3<u32>(p.m, p.n, p.k); }

fn row_of(m: u32) -> Row { return Row(m, m < p.m); }

fn load_a(row: Row, k: u32) -> Tile4 {
  var v = Tile4();
  if (!row.valid || k >= p.k) { return v; }
  let base = matrix * p.m * p.k;
//#if VEC_A
  v = Tile4(a[(base + row.m * p.k + k) / 4u]);
//#else
  for (var i = 0u; i < min(4u, p.k - k); i++) {
//#if TRANSPOSE_A
    v[i] = TileElem(a[base + (k + i) * p.m + row.m]);
//#else
    v[i] = TileElem(a[base + row.m * p.k + k + i]);
//#endif
  }
//#endif
  return v;
}

fn load_b(k: u32, n: u32) -> Tile4 {
  var v = Tile4();
  if (k >= p.k || n >= p.n) { return v; }
  let base = matrix * p.stride_b;
//#if VEC_B
  v = Tile4(b[(base + k * p.n + n) / 4u]);
//#else
  for (var j = 0u; j < min(4u, p.n - n); j++) {
//#if TRANSPOSE_B
    v[j] = TileElem(b[base + (n + j) * p.k + k]);
//#else
    v[j] = TileElem(b[base + k * p.n + n + j]);
//#endif
  }
//#endif
  return v;
}

fn store(m: u32, n: u32, sum: vec4<f32>) {
  let v = p.scale * sum;
  let at = (matrix * p.m + m) * p.n + n;
//#if VEC_N
  out[at / 4u] = Elem4(v);
//#else
  for (var j = 0u; j < min(4u, p.n - n); j++) { out[at + j] = Elem(v[j]); }
//#endif
}

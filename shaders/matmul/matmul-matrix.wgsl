// out[i, M, N] = scale · a[i] · b[i or 0] for a batch of f16 matrices on matrix units, any M, K, N.
// a[i] is [M, K], or [K, M] with TRANSPOSE_A; b[i] is [K, N], or [N, K] with TRANSPOSE_B; rows lie without gaps. The third
// coordinate of the grid is i. Tiling, accumulation and error bound: matmul/matrix-tile.
// VEC_A, VEC_B, VEC_N: rows of a, b, out are a multiple of 8 wide (read and written 16 bytes at a time).
requires immediate_address_space;
//#import matmul/eight
struct Params { m: u32, k: u32, n: u32, stride_b: u32, scale: f32 }
var<immediate> p: Params;
//#if VEC_A
@group(0) @binding(0) var<storage, read_write> a: array<vec4<u32>>;
//#else
@group(0) @binding(0) var<storage, read_write> a: array<f16>;
//#endif
//#if VEC_B
@group(0) @binding(1) var<storage, read_write> b: array<vec4<u32>>;
//#else
@group(0) @binding(1) var<storage, read_write> b: array<f16>;
//#endif
//#if VEC_N
@group(0) @binding(2) var<storage, read_write> out: array<vec4<u32>>;
//#else
@group(0) @binding(2) var<storage, read_write> out: array<f16>;
//#endif
//#import matmul/matrix-tile

/// A row of the matrix as it lies in memory; with TRANSPOSE_A counted from the position's.
alias Row = u32;
struct Position { k: u32, m: u32 }

fn sizes() -> vec2<u32> { return vec2<u32>(p.m, p.n); }

fn k_range(_layer: u32) -> vec2<u32> { return vec2<u32>(0u, p.k); }

fn row_of(row: u32) -> Row { return row; }

fn position_at(k: u32, m: u32) -> Position { return Position(k, m); }

fn advanced(at: Position) -> Position { return Position(at.k + BK, at.m); }

fn load_a(row: Row, at: Position) -> vec4<u32> {
//#if TRANSPOSE_A
  return eight_of_a(at.k + row, at.m, vec2<u32>(p.k, p.m));
//#else
  return eight_of_a(row, at.k, vec2<u32>(p.m, p.k));
//#endif
}

fn load_b(k: u32, n: u32) -> vec4<u32> {
//#if TRANSPOSE_B
  return eight_of_b(n, k, vec2<u32>(p.n, p.k));
//#else
  return eight_of_b(k, n, vec2<u32>(p.k, p.n));
//#endif
}

/// Elements column…column+7 of a row of a matrix of `extent` rows and columns, zero outside.
fn eight_of_a(row: u32, column: u32, extent: vec2<u32>) -> vec4<u32> {
  if (row >= extent.x || column >= extent.y) { return vec4<u32>(); }
  let first = (layer * extent.x + row) * extent.y + column;
//#if VEC_A
  return a[first / 8u];
//#else
  var v: array<f16, 8>;
  for (var i = 0u; i < min(8u, extent.y - column); i++) { v[i] = a[first + i]; }
  return halves(v);
//#endif
}

fn eight_of_b(row: u32, column: u32, extent: vec2<u32>) -> vec4<u32> {
  if (row >= extent.x || column >= extent.y) { return vec4<u32>(); }
  let first = layer * p.stride_b + row * extent.y + column;
//#if VEC_B
  return b[first / 8u];
//#else
  var v: array<f16, 8>;
  for (var i = 0u; i < min(8u, extent.y - column); i++) { v[i] = b[first + i]; }
  return halves(v);
//#endif
}

fn store(m: u32, n: u32, lo: vec4<f32>, hi: vec4<f32>) {
  let first = (layer * p.m + m) * p.n + n;
//#if VEC_N
  out[first / 8u] = pack_eight(p.scale * lo, p.scale * hi);
//#else
  for (var i = 0u; i < min(8u, p.n - n); i++) { out[first + i] = f16(p.scale * of_eight(lo, hi, i)); }
//#endif
}

// Convolution in f16 on matrix units as an implicit matrix product: rows are output pixels, k = (ky, kx, channel), columns output
// channels. Tiling, accumulation and error bound: matmul/matrix-tile; what follows the sums: conv/conv2d-finish.
// x[B, H, W, I] · w[kernel, kernel, I, LDW], LDW = O rounded up to 4, zero-padded. With upsample 1 (a shift) x is read as its
// nearest 2× enlargement. VEC_K: I is a multiple of 8: eight neighbouring k are channels of one pixel, read as 16 bytes.
// VEC_N: O is a multiple of 8. With SPLIT the third coordinate of the grid is a slice of k, and sums go to `parts` in f32.
//#import conv/conv2d-finish
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

fn k_range(layer: u32) -> vec2<u32> { return slice_of(layer, depth(), p.slice); }

fn store(m: u32, n: u32, lo: vec4<f32>, hi: vec4<f32>) {
  store_part(m, n, lo, hi, Parts(p.out_height * p.out_width, p.out_channels, p.slices));
}
//#else
fn k_range(_layer: u32) -> vec2<u32> { return vec2<u32>(0u, depth()); }

fn store(m: u32, n: u32, lo: vec4<f32>, hi: vec4<f32>) { finish(m, n, lo, hi); }
//#endif

/// An output pixel: the image's first input element, and the input position of tap (0, 0), which may be negative.
struct Row { base: u32, iy: i32, ix: i32, valid: bool }
/// A place along k. Stepped instead of divided: a division by an unknown number costs as much as some matrix products.
struct Position { ky: u32, kx: u32, channel: u32 }

fn depth() -> u32 { return p.kernel * p.kernel * p.channels; }

fn sizes() -> vec2<u32> { return vec2<u32>(p.batch * p.out_height * p.out_width, p.out_channels); }

fn row_of(m: u32) -> Row {
  let pixels = p.out_height * p.out_width;
  let image = m / pixels;
  let at = m % pixels;
  let iy = i32(at / p.out_width * p.stride) - i32(p.pad);
  let ix = i32(at % p.out_width * p.stride) - i32(p.pad);
  return Row(image * p.height * p.width * p.channels, iy, ix, image < p.batch);
}

fn position_at(k: u32, _m: u32) -> Position {
  let tap = k / p.channels;
  return Position(tap / p.kernel, tap % p.kernel, k % p.channels);
}

fn moved(position: Position, by: u32) -> Position {
  var q = position;
  q.channel += by;
  while (q.channel >= p.channels) {
    q.channel -= p.channels;
    q.kx += 1u;
    if (q.kx == p.kernel) {
      q.kx = 0u;
      q.ky += 1u;
    }
  }
  return q;
}

fn advanced(position: Position) -> Position { return moved(position, BK); }

/// Index of the input element, or -1 outside the image and past the last k.
fn element(row: Row, at: Position) -> i32 {
  // A negative coordinate becomes a large one.
  let iy = u32(row.iy + i32(at.ky));
  let ix = u32(row.ix + i32(at.kx));
  let inside = row.valid && at.ky < p.kernel && iy < p.height << p.upsample && ix < p.width << p.upsample;
  if (!inside) { return -1; }
  return i32(row.base + ((iy >> p.upsample) * p.width + (ix >> p.upsample)) * p.channels + at.channel);
}

fn load_a(row: Row, position: Position) -> vec4<u32> {
//#if VEC_K
  let at = element(row, position);
  if (at < 0) { return vec4<u32>(); }
  return x[u32(at) / 8u];
//#else
  var v: array<f16, 8>;
  var q = position;
  for (var i = 0u; i < 8u; i++) {
    let at = element(row, q);
    if (at >= 0) { v[i] = x[at]; }
    q = moved(q, 1u);
  }
  return halves(v);
//#endif
}

fn load_b(k: u32, n: u32) -> vec4<u32> {
  if (k >= depth() || n >= p.out_channels) { return vec4<u32>(); }
  return packed_eight(k, n, p.out_channels);
}

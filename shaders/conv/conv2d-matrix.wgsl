// Convolution in f16 on matrix units as an implicit matrix product: rows are output pixels, k = (ky, kx, channel), columns output
// channels. Tiling, accumulation and error bound: matmul/matrix-tile; sizes, enlargement and what follows the sum:
// conv/conv2d-params and matmul/epilogue. x[B, H, W, I] · w[kernel, kernel, I, LDW] → out[B, OH, OW, O]; LDW = O rounded up to 4,
// zero-padded, bias (f32) likewise; imageBias[B, image_stride] is added to every pixel of an image.
// VEC_K: I is a multiple of 8: eight neighbouring k are channels of one pixel, read as 16 bytes. VEC_N: O is a multiple of 8.
//#import conv/conv2d-params
//#import matmul/eight
//#if VEC_K
@group(0) @binding(0) var<storage, read_write> x: array<vec4<u32>>;
//#else
@group(0) @binding(0) var<storage, read_write> x: array<f16>;
//#endif
@group(0) @binding(1) var<storage, read> w: array<WeightElem>;
@group(0) @binding(2) var<storage, read> bias: array<vec4<f32>>;
//#if VEC_N
@group(0) @binding(3) var<storage, read_write> image_bias: array<vec4<u32>>;
@group(0) @binding(4) var<storage, read_write> residual: array<vec4<u32>>;
@group(0) @binding(5) var<storage, read_write> out: array<vec4<u32>>;
//#else
@group(0) @binding(3) var<storage, read_write> image_bias: array<f16>;
@group(0) @binding(4) var<storage, read_write> residual: array<f16>;
@group(0) @binding(5) var<storage, read_write> out: array<f16>;
//#endif
//#import matmul/packed-eight
//#import matmul/matrix-tile

/// An output pixel: the image's first input element, and the input position of tap (0, 0), which may be negative.
struct Row { base: u32, iy: i32, ix: i32, valid: bool }
/// A place along k. Stepped instead of divided: a division by an unknown number costs as much as some matrix products.
struct Position { ky: u32, kx: u32, channel: u32 }

fn depth() -> u32 { return p.kernel * p.kernel * p.channels; }

fn sizes() -> vec4<u32> {
  return vec4<u32>(p.batch * p.out_height * p.out_width, p.out_channels, depth(), depth());
}

fn row_of(m: u32) -> Row {
  let pixels = p.out_height * p.out_width;
  let image = m / pixels;
  let at = m % pixels;
  let iy = i32(at / p.out_width * p.stride) - i32(p.pad);
  let ix = i32(at % p.out_width * p.stride) - i32(p.pad);
  return Row(image * p.height * p.width * p.channels, iy, ix, image < p.batch);
}

fn position_at(k: u32) -> Position {
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

fn store(m: u32, n: u32, lo_sum: vec4<f32>, hi_sum: vec4<f32>) {
  var lo = lo_sum;
  var hi = hi_sum;
  if ((p.flags & HAS_BIAS) != 0u) {
    lo += bias[n / 4u];
    if (n + 4u < p.out_channels) { hi += bias[n / 4u + 1u]; }
  }
  let image = m / (p.out_height * p.out_width) * p.image_stride + n;
  let at = m * p.out_channels + n;
//#if VEC_N
  if ((p.flags & HAS_IMAGE_BIAS) != 0u) {
    let b = image_bias[image / 8u];
    lo += low_four(b);
    hi += high_four(b);
  }
  lo = activate4(lo, p.flags >> 8u);
  hi = activate4(hi, p.flags >> 8u);
  if ((p.flags & HAS_RESIDUAL) != 0u) {
    let r = residual[(residual_base(m) + n) / 8u];
    lo += low_four(r);
    hi += high_four(r);
  }
  out[at / 8u] = pack_eight(lo, hi);
//#else
  for (var i = 0u; i < min(8u, p.out_channels - n); i++) {
    var v = of_eight(lo, hi, i);
    if ((p.flags & HAS_IMAGE_BIAS) != 0u) { v += f32(image_bias[image + i]); }
    v = activate(v, p.flags >> 8u);
    if ((p.flags & HAS_RESIDUAL) != 0u) { v += f32(residual[residual_base(m) + n + i]); }
    out[at + i] = f16(v);
  }
//#endif
}

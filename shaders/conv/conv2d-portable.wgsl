// Convolution as an implicit matrix product: rows are output pixels, k = (ky, kx, channel), columns output channels.
// Layout and epilogue: conv/conv2d-common; tiling, accumulation and error bound: matmul/tile-core. WGSL core only.
//#import conv/conv2d-common
//#import matmul/tile-core
//#import matmul/weight-quads
// VEC_O: O is a multiple of 4 (residual and out as vec4).
alias BiasElem = vec4<f32>;
//#if VEC_O
alias OutElem = Elem4;
//#else
alias OutElem = Elem;
//#endif

/// An output pixel: the image's first input element, and the input position of tap (0, 0), which may be negative.
struct Row { base: u32, iy: i32, ix: i32, valid: bool }

/// k as kernel row, kernel column and channel.
struct Depth { ky: u32, kx: u32, channel: u32 }

fn sizes() -> vec3<u32> {
  return vec3<u32>(p.batch * p.out_height * p.out_width, p.out_channels, p.kernel * p.kernel * p.channels);
}

fn row_of(m: u32) -> Row {
  let pixels = p.out_height * p.out_width;
  let image = m / pixels;
  let at = m % pixels;
  let iy = i32(at / p.out_width * p.stride) - i32(p.pad);
  let ix = i32(at % p.out_width * p.stride) - i32(p.pad);
  return Row(image * p.height * p.width * p.channels, iy, ix, image < p.batch);
}

/// The depth `channel` channels into the tap (ky, kx), which may be more than a tap has.
fn carry(ky: u32, kx: u32, channel: u32) -> Depth {
  var d = Depth(ky, kx, channel);
  while (d.channel >= p.channels) {
    d.channel -= p.channels;
    d.kx++;
    if (d.kx == p.kernel) {
      d.kx = 0u;
      d.ky++;
    }
  }
  return d;
}

fn depth_of(k: u32) -> Depth { return carry(0u, 0u, k); }

fn advance(d: Depth) -> Depth { return carry(d.ky, d.kx, d.channel + BK); }

/// Index of the element of a pixel at a depth, or -1 outside the image.
fn element(row: Row, d: Depth) -> i32 {
  let iy = row.iy + i32(d.ky);
  let ix = row.ix + i32(d.kx);
  let inside = row.valid && iy >= 0 && ix >= 0 && iy < i32(p.height << p.upsample) && ix < i32(p.width << p.upsample);
  if (!inside || d.ky >= p.kernel) { return -1; }
  return i32(row.base + ((u32(iy) >> p.upsample) * p.width + (u32(ix) >> p.upsample)) * p.channels + d.channel);
}

fn load_a(row: Row, d: Depth) -> Tile4 {
  var v = Tile4();
//#if VEC_I
  let at = element(row, d);
  if (at >= 0) { v = Tile4(x[u32(at) / 4u]); }
//#else
  for (var i = 0u; i < 4u; i++) {
    let at = element(row, carry(d.ky, d.kx, d.channel + i));
    if (at >= 0) { v[i] = TileElem(x[at]); }
  }
//#endif
  return v;
}

fn load_b(k: u32, n: u32) -> Tile4 {
  if (k >= p.kernel * p.kernel * p.channels || n >= p.out_channels) { return Tile4(); }
  return weight_quad(w[k * ((p.out_channels + 3u) / 4u) + n / 4u]);
}

/// Finishes channels o…o+3 of output pixel m (counted over the batch) and writes them.
fn store(m: u32, o: u32, sum: vec4<f32>) {
  var v = sum;
//#if Q8
  v *= scales[o / 4u];
//#endif
  let valid = min(4u, p.out_channels - o);
  if ((p.flags & HAS_BIAS) != 0u) { v += bias[o / 4u]; }
  if ((p.flags & HAS_IMAGE_BIAS) != 0u) {
    let base = m / (p.out_height * p.out_width) * p.image_stride + o;
    for (var j = 0u; j < valid; j++) { v[j] += f32(image_bias[base + j]); }
  }
  v = activate4(v, p.flags >> 8u);
//#if VEC_O
  if ((p.flags & HAS_RESIDUAL) != 0u) { v += vec4<f32>(residual[(residual_base(m) + o) / 4u]); }
  out[(m * p.out_channels + o) / 4u] = Elem4(v);
//#else
  let r = residual_base(m) + o;
  for (var j = 0u; j < valid; j++) {
    var s = v[j];
    if ((p.flags & HAS_RESIDUAL) != 0u) { s += f32(residual[r + j]); }
    out[m * p.out_channels + o + j] = Elem(s);
  }
//#endif
}

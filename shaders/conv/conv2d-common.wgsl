// Parameters, operands and epilogue of the convolution kernels.
// x[B, H, W, I] · w[kernel, kernel, I, LDW] → out[B, OH, OW, O]; LDW = O rounded up to 4, zero-padded, bias likewise.
// With upsample 1 (a shift) x is read as its nearest 2× enlargement; residual_up 1: residual is [B, OH/2, OW/2, O].
// imageBias[B, image_stride] is added to every pixel of an image. out = act(conv + bias + imageBias) + residual.
// VEC_I: I is a multiple of 4 (x read as vec4). VEC_O: O is one (residual and out as vec4).
requires immediate_address_space;
//#import common/types
//#import matmul/epilogue
struct Params {
  batch: u32, height: u32, width: u32, channels: u32,
  out_height: u32, out_width: u32, out_channels: u32, kernel: u32,
  stride: u32, pad: u32, upsample: u32, residual_up: u32,
  image_stride: u32, flags: u32,
}
var<immediate> p: Params;
//#if VEC_I
@group(0) @binding(0) var<storage, read_write> x: array<Elem4>;
//#else
@group(0) @binding(0) var<storage, read_write> x: array<Elem>;
//#endif
@group(0) @binding(1) var<storage, read> w: array<Elem4>;
@group(0) @binding(2) var<storage, read> bias: array<vec4<f32>>;
@group(0) @binding(3) var<storage, read_write> image_bias: array<Elem>;
//#if VEC_O
@group(0) @binding(4) var<storage, read_write> residual: array<Elem4>;
@group(0) @binding(5) var<storage, read_write> out: array<Elem4>;
//#else
@group(0) @binding(4) var<storage, read_write> residual: array<Elem>;
@group(0) @binding(5) var<storage, read_write> out: array<Elem>;
//#endif

/// First element of pixel m's residual.
fn residual_base(m: u32) -> u32 {
  if (p.residual_up == 0u) { return m * p.out_channels; }
  let line = m / p.out_width;  // image · out_height + row; out_height is even
  return ((line / 2u) * (p.out_width / 2u) + (m % p.out_width) / 2u) * p.out_channels;
}

/// Finishes channels o…o+3 of output pixel m (counted over the batch) and writes them.
fn finish(m: u32, o: u32, sum: vec4<f32>) {
  var v = sum;
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

// What follows the sums of a convolution in f16: out = act(sum + bias + imageBias) + residual, eight channels at a time. Q8: sums
// of int8 weights, sum · scale of the channel stands for sum.
// bias is f32, padded with zeros to a multiple of 4; imageBias[B, image_stride] is added to every pixel of an image; with
// residual_up 1 residual is [B, OH/2, OW/2, O]. VEC_N: O is a multiple of 8.
//#import conv/conv2d-params
//#import matmul/eight
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
//#if Q8
@group(0) @binding(6) var<storage, read> scales: array<vec4<f32>>;
const PARTS: u32 = 7u;
//#else
const PARTS: u32 = 6u;
//#endif

/// Channels n…n+7 of output pixel m (counted over the batch), n a multiple of 8 below O.
fn finish(m: u32, n: u32, lo_sum: vec4<f32>, hi_sum: vec4<f32>) {
  var lo = lo_sum;
  var hi = hi_sum;
//#if Q8
  lo *= scales[n / 4u];
  if (n + 4u < p.out_channels) { hi *= scales[n / 4u + 1u]; }
//#endif
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

// Immediates of the convolution kernels, as src/ts/ops/conv/conv-call.ts fills them. SPLIT: k is cut into `slices` slices of
// `slice` (matmul/matrix-parts).
requires immediate_address_space;
struct Params {
  batch: u32, height: u32, width: u32, channels: u32,
  out_height: u32, out_width: u32, out_channels: u32, kernel: u32,
  stride: u32, pad: u32, upsample: u32, residual_up: u32,
  image_stride: u32, flags: u32,
//#if SPLIT
  slice: u32, slices: u32,
//#endif
}
var<immediate> p: Params;

/// First element of pixel m's residual.
fn residual_base(m: u32) -> u32 {
  if (p.residual_up == 0u) { return m * p.out_channels; }
  let line = m / p.out_width;  // image · out_height + row; out_height is even
  return ((line / 2u) * (p.out_width / 2u) + (m % p.out_width) / 2u) * p.out_channels;
}

// out[b, h, w, c] = 2 · clamp((sigmoid(x[b, h, w, c]) − eps) / (1 − 2 eps), 0, 1) − 1 for c < 3: x [B, H, W, channels], out
// [B, H, W, 3]. Items are elements of out. Absolute error about 5e-7, that of exp times 2 / (1 − 2 eps).
//#import common/io
//#import common/flat
//#import common/activation
requires immediate_address_space;

struct Params {
  count: u32,
  channels: u32,
  eps: f32,
}
var<immediate> p: Params;

@group(0) @binding(0) var<storage, read_write> x: array<In>;
@group(0) @binding(1) var<storage, read_write> result: array<Out>;

fn colour(i: u32) -> f32 {
  let value = sigmoid(f32(x[i / 3u * p.channels + i % 3u]));
  return 2.0 * clamp((value - p.eps) / (1.0 - 2.0 * p.eps), 0.0, 1.0) - 1.0;
}

@compute @workgroup_size(WORKGROUP)
fn main(
  @builtin(workgroup_id) workgroup: vec3u,
  @builtin(num_workgroups) workgroups: vec3u,
  @builtin(local_invocation_index) invocation: u32,
) {
  let first = first_item(workgroup, workgroups, invocation);
  let end = end_item(first, p.count);
  for (var i = first; i < end; i += WORKGROUP) { result[i] = Out(colour(i)); }
}

// Pixels [B, H, W, 3] in [−1, 1] to u32 [B, H, W]: round(255 · clamp(x/2 + 1/2, 0, 1)), halves to even as numpy rounds,
// R in the low byte, A = 255. Items are pixels.
//#import common/io
//#import common/flat
requires immediate_address_space;

struct Params {
  count: u32,
}
var<immediate> p: Params;

@group(0) @binding(0) var<storage, read_write> x: array<In>;
@group(0) @binding(1) var<storage, read_write> result: array<u32>;

fn level(v: In) -> u32 { return u32(round(255.0 * clamp(f32(v) * 0.5 + 0.5, 0.0, 1.0))); }

@compute @workgroup_size(WORKGROUP)
fn main(
  @builtin(workgroup_id) workgroup: vec3u,
  @builtin(num_workgroups) workgroups: vec3u,
  @builtin(local_invocation_index) invocation: u32,
) {
  let first = first_item(workgroup, workgroups, invocation);
  let end = end_item(first, p.count);
  for (var i = first; i < end; i += WORKGROUP) {
    result[i] = level(x[3u * i]) | (level(x[3u * i + 1u]) << 8u) | (level(x[3u * i + 2u]) << 16u) | 0xff000000u;
  }
}

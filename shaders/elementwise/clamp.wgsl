// out[i] = x[i] clamped to [low, high]; items are elements or vec4s. Exact, but for the rounding to Out.
//#import common/io
//#import common/flat
requires immediate_address_space;

struct Params {
  count: u32,
  low: f32,
  high: f32,
}
var<immediate> p: Params;

@group(0) @binding(0) var<storage, read_write> x: array<In>;
@group(0) @binding(1) var<storage, read_write> result: array<Out>;

@compute @workgroup_size(WORKGROUP)
fn main(
  @builtin(workgroup_id) workgroup: vec3u,
  @builtin(num_workgroups) workgroups: vec3u,
  @builtin(local_invocation_index) invocation: u32,
) {
  let first = first_item(workgroup, workgroups, invocation);
  let end = end_item(first, p.count);
  for (var i = first; i < end; i += WORKGROUP) { result[i] = Out(clamp(Value(x[i]), Value(p.low), Value(p.high))); }
}

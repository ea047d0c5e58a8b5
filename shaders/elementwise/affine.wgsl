// out = x · scale + shift with vectors over the last dimension. Items are elements or vec4s (channels counted in
// items). f32 arithmetic, two roundings.
//#import common/io
//#import common/flat
requires immediate_address_space;

struct Params {
  count: u32,
  channels: u32,
}
var<immediate> p: Params;

@group(0) @binding(0) var<storage, read_write> x: array<In>;
//#if V_WEIGHT
@group(0) @binding(1) var<storage, read> scale: array<In2>;
@group(0) @binding(2) var<storage, read> shift: array<In2>;
//#else
@group(0) @binding(1) var<storage, read_write> scale: array<In2>;
@group(0) @binding(2) var<storage, read_write> shift: array<In2>;
//#endif
@group(0) @binding(3) var<storage, read_write> result: array<Out>;

@compute @workgroup_size(WORKGROUP)
fn main(
  @builtin(workgroup_id) workgroup: vec3u,
  @builtin(num_workgroups) workgroups: vec3u,
  @builtin(local_invocation_index) invocation: u32,
) {
  let first = first_item(workgroup, workgroups, invocation);
  let end = end_item(first, p.count);
  for (var i = first; i < end; i += WORKGROUP) {
    let c = i % p.channels;
    result[i] = Out(Value(x[i]) * Value(scale[c]) + Value(shift[c]));
  }
}

// out[b] = x[b, index[b]]: x [B, L, C], index u32 [B], out [B, C]. Items are elements or vec4s of C (channels counted
// in items). An index beyond L reads the last row. Exact, but for the rounding to Out.
//#import common/io
//#import common/flat
requires immediate_address_space;

struct Params {
  count: u32,
  channels: u32,
  length: u32,
}
var<immediate> p: Params;

@group(0) @binding(0) var<storage, read_write> x: array<In>;
@group(0) @binding(1) var<storage, read_write> index: array<u32>;
@group(0) @binding(2) var<storage, read_write> result: array<Out>;

@compute @workgroup_size(WORKGROUP)
fn main(
  @builtin(workgroup_id) workgroup: vec3u,
  @builtin(num_workgroups) workgroups: vec3u,
  @builtin(local_invocation_index) invocation: u32,
) {
  let first = first_item(workgroup, workgroups, invocation);
  let end = end_item(first, p.count);
  for (var i = first; i < end; i += WORKGROUP) {
    let image = i / p.channels;
    let row = image * p.length + min(index[image], p.length - 1u);
    result[i] = Out(Value(x[row * p.channels + i % p.channels]));
  }
}

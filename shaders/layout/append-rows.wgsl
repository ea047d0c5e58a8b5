// cache[b, position[b] + l] = x[b, l]: x [B, L, C], position u32 [B], cache [B, Lmax, C]. Items are elements or vec4s of C
// (channels counted in items). Rows beyond Lmax are dropped. Exact.
//#import common/io
//#import common/flat
requires immediate_address_space;

struct Params {
  count: u32,
  channels: u32,
  length: u32,
  capacity: u32,
}
var<immediate> p: Params;

@group(0) @binding(0) var<storage, read_write> x: array<In>;
@group(0) @binding(1) var<storage, read_write> position: array<u32>;
@group(0) @binding(2) var<storage, read_write> cache: array<Out>;

@compute @workgroup_size(WORKGROUP)
fn main(
  @builtin(workgroup_id) workgroup: vec3u,
  @builtin(num_workgroups) workgroups: vec3u,
  @builtin(local_invocation_index) invocation: u32,
) {
  let first = first_item(workgroup, workgroups, invocation);
  let end = end_item(first, p.count);
  for (var i = first; i < end; i += WORKGROUP) {
    let row = i / p.channels;
    let image = row / p.length;
    // In two steps, for a position near the end of 32 bits.
    let place = min(position[image], p.capacity) + row % p.length;
    if (place < p.capacity) {
      cache[(image * p.capacity + place) * p.channels + i % p.channels] = Out(Value(x[i]));
    }
  }
}

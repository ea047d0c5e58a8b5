// out[b, l] = table[ids[b, l]] (+ positions[first[b] + l]): ids u32 [B, L], table [V, C], positions [≥ L, C], first
// u32 [B] (0 without FIRST), out [B, L, C]. Items are elements or vec4s of C (channels counted in items). An id or a
// position beyond its table reads the last row. At most one f32 rounding.
//#import common/io
//#import common/flat
requires immediate_address_space;

struct Params {
  count: u32,
  channels: u32,
  length: u32,
  last_row: u32,
  last_position: u32,
}
var<immediate> p: Params;

@group(0) @binding(0) var<storage, read_write> ids: array<u32>;
@group(0) @binding(1) var<storage, read> table: array<In>;
//#if POSITIONS
@group(0) @binding(2) var<storage, read> positions: array<In2>;
//#endif
@group(0) @binding(3) var<storage, read_write> result: array<Out>;
//#if FIRST
@group(0) @binding(4) var<storage, read_write> first_position: array<u32>;
//#endif

fn row_element(row: u32, c: u32) -> Value {
  let value = Value(table[min(ids[row], p.last_row) * p.channels + c]);
//#if POSITIONS
  var position = row % p.length;
//#if FIRST
  // In two steps, for a first position near the end of 32 bits.
  position = min(first_position[row / p.length], p.last_position) + position;
//#endif
  return value + Value(positions[min(position, p.last_position) * p.channels + c]);
//#else
  return value;
//#endif
}

@compute @workgroup_size(WORKGROUP)
fn main(
  @builtin(workgroup_id) workgroup: vec3u,
  @builtin(num_workgroups) workgroups: vec3u,
  @builtin(local_invocation_index) invocation: u32,
) {
  let first = first_item(workgroup, workgroups, invocation);
  let end = end_item(first, p.count);
  for (var i = first; i < end; i += WORKGROUP) { result[i] = Out(row_element(i / p.channels, i % p.channels)); }
}

// out[b, l] = table[ids[b, l]] (+ positions[l]): ids u32 [B, L], table [V, C], positions [≥ L, C], out [B, L, C]. Items
// are elements or vec4s of C (channels counted in items). An id beyond the table reads its last row. At most one f32
// rounding.
//#import common/io
//#import common/flat
requires immediate_address_space;

struct Params {
  count: u32,
  channels: u32,
  length: u32,
  last_row: u32,
}
var<immediate> p: Params;

@group(0) @binding(0) var<storage, read_write> ids: array<u32>;
@group(0) @binding(1) var<storage, read> table: array<In>;
//#if POSITIONS
@group(0) @binding(2) var<storage, read> positions: array<In2>;
//#endif
@group(0) @binding(3) var<storage, read_write> result: array<Out>;

fn row_element(row: u32, c: u32) -> Value {
  let value = Value(table[min(ids[row], p.last_row) * p.channels + c]);
//#if POSITIONS
  return value + Value(positions[row % p.length * p.channels + c]);
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

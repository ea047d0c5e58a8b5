// Peak of memory: every vec4 read once and written once, neighbours by neighbouring invocations. An invocation copies ITEMS
// vec4s, each a whole grid apart. Exact.
requires immediate_address_space;
//#const ITEMS u32

struct Params {
  // vec4s from one item of an invocation to the next: invocations of the whole grid.
  stride: u32,
  count: u32,
}
var<immediate> p: Params;

@group(0) @binding(0) var<storage, read_write> source: array<vec4<u32>>;
@group(0) @binding(1) var<storage, read_write> copied: array<vec4<u32>>;

@compute @workgroup_size(256)
fn main(@builtin(workgroup_id) group: vec3u, @builtin(num_workgroups) groups: vec3u, @builtin(local_invocation_index) lane: u32) {
  let first = (group.x + group.y * groups.x) * 256u + lane;
  for (var i = 0u; i < ITEMS; i++) {
    let at = first + i * p.stride;
    if (at < p.count) {
      copied[at] = source[at];
    }
  }
}

// A flat range of items over a grid that may have two dimensions (src/ts/ops/flat.ts): an invocation handles ITEMS items,
// WORKGROUP apart, the first of which this gives. The caller checks each against its count.
const WORKGROUP: u32 = 64u;
const ITEMS: u32 = 4u;

fn first_item(workgroup: vec3u, workgroups: vec3u, invocation: u32) -> u32 {
  return (workgroup.x + workgroup.y * workgroups.x) * (WORKGROUP * ITEMS) + invocation;
}

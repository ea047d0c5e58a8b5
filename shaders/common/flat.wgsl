// A flat range of items over a grid that may have two dimensions (src/ts/ops/flat.ts): an invocation handles ITEMS items,
// WORKGROUP apart, from first_item up to end_item. The loop's length depends on the count on purpose: CPU drivers unroll
// a loop of fixed length, and compile four times as long for it.
const WORKGROUP: u32 = 64u;
const ITEMS: u32 = 4u;

fn first_item(workgroup: vec3u, workgroups: vec3u, invocation: u32) -> u32 {
  return (workgroup.x + workgroup.y * workgroups.x) * (WORKGROUP * ITEMS) + invocation;
}

fn end_item(first: u32, count: u32) -> u32 { return min(count, first + WORKGROUP * ITEMS); }

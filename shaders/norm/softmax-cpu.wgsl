// softmax(scale · x) over the last dimension; one subgroup a row, no barrier, for CPU drivers. Layout and error: norm/softmax-row.
// Assumes that a workgroup of SUBGROUP invocations is one whole subgroup.
enable subgroups;
//#import norm/softmax-row
//#const SUBGROUP u32

@compute @workgroup_size(SUBGROUP)
fn main(
  @builtin(workgroup_id) wg: vec3<u32>,
  @builtin(num_workgroups) grid: vec3<u32>,
  @builtin(subgroup_invocation_id) lane: u32,
) {
  let row = wg.x + wg.y * grid.x;
  if (row >= p.rows) { return; }
  let part = partial_of(row * p.columns, lane, SUBGROUP);
  let largest = subgroupMax(part.largest);
  let sum = subgroupAdd(part.sum * exp(part.largest - largest));
  write_row(row * p.columns, lane, SUBGROUP, Partial(largest, sum));
}

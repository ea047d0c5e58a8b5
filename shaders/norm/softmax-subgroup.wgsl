// softmax(scale · x) over the last dimension; a subgroup a row, ROWS rows a workgroup. Layout and error: norm/softmax-row.
// Assumes subgroups of exactly SUBGROUP invocations, filled in the order of local_invocation_index.
enable subgroups;
//#import norm/softmax-row
//#const SUBGROUP u32
//#const ROWS u32

@compute @workgroup_size(SUBGROUP * ROWS)
fn main(
  @builtin(workgroup_id) wg: vec3<u32>,
  @builtin(num_workgroups) grid: vec3<u32>,
  @builtin(local_invocation_index) index: u32,
  @builtin(subgroup_invocation_id) lane: u32,
) {
  // Rows past the end repeat the last one, so that every lane takes part in the reductions; they are not written.
  let row = (wg.x + wg.y * grid.x) * ROWS + index / SUBGROUP;
  let base = min(row, p.rows - 1u) * p.columns;
  let part = partial_of(base, lane, SUBGROUP);
  let largest = subgroupMax(part.largest);
  let sum = subgroupAdd(part.sum * exp(part.largest - largest));
  if (row < p.rows) { write_row(base, lane, SUBGROUP, Partial(largest, sum)); }
}

// softmax(scale · x) over the last dimension; a workgroup of 64 a row. Layout and error: norm/softmax-row. WGSL core only.
//#import norm/softmax-row

const LANES: u32 = 64u;
var<workgroup> tree: array<Partial, LANES>;

/// The partial of two sets of places together.
fn join_partials(a: Partial, b: Partial) -> Partial {
  let largest = max(a.largest, b.largest);
  return Partial(largest, a.sum * exp(a.largest - largest) + b.sum * exp(b.largest - largest));
}

@compute @workgroup_size(LANES)
fn main(
  @builtin(workgroup_id) wg: vec3<u32>,
  @builtin(num_workgroups) grid: vec3<u32>,
  @builtin(local_invocation_index) lane: u32,
) {
  let row = wg.x + wg.y * grid.x;
  if (row >= p.rows) { return; }
  tree[lane] = partial_of(row * p.columns, lane, LANES);
  workgroupBarrier();
  for (var step = LANES / 2u; step > 0u; step /= 2u) {
    if (lane < step) { tree[lane] = join_partials(tree[lane], tree[lane + step]); }
    workgroupBarrier();
  }
  write_row(row * p.columns, lane, LANES, tree[0]);
}

// out[row] = the first place of the largest of x[row, 0 .. columns): x [rows, columns], out u32 [rows]. A workgroup of 64 a row:
// each lane looks at every 64th place, then they agree in a tree. Exact; NaN is never the largest, and a row of nothing but
// NaN or −∞ gives 0. WGSL core only.
//#import common/types
requires immediate_address_space;
struct Params { rows: u32, columns: u32 }
var<immediate> p: Params;
@group(0) @binding(0) var<storage, read_write> x: array<Elem>;
@group(0) @binding(1) var<storage, read_write> result: array<u32>;

const LANES: u32 = 64u;
const LOWEST: f32 = -3.4028234663852886e38;

/// A value and its place.
struct Best { value: f32, place: u32 }
var<workgroup> tree: array<Best, LANES>;

fn better(a: Best, b: Best) -> Best {
  if (b.value > a.value || (b.value == a.value && b.place < a.place)) { return b; }
  return a;
}

@compute @workgroup_size(LANES)
fn main(
  @builtin(workgroup_id) wg: vec3<u32>,
  @builtin(num_workgroups) grid: vec3<u32>,
  @builtin(local_invocation_index) lane: u32,
) {
  let row = wg.x + wg.y * grid.x;
  if (row >= p.rows) { return; }
  var best = Best(LOWEST, lane);
  for (var c = lane; c < p.columns; c += LANES) {
    let value = f32(x[row * p.columns + c]);
    if (value > best.value) { best = Best(value, c); }
  }
  tree[lane] = best;
  workgroupBarrier();
  for (var step = LANES / 2u; step > 0u; step /= 2u) {
    if (lane < step) { tree[lane] = better(tree[lane], tree[lane + step]); }
    workgroupBarrier();
  }
  if (lane == 0u) { result[row] = tree[0].place; }
}

// (x − mean) / sqrt(variance + eps) · gamma + beta over the last dimension; ROW_LANES lanes a row, ROWS rows a workgroup.
// Layout as in layer-norm-portable: x and out [rows, channels] as Val, gamma, beta f32, `channels` counts Vals. A lane keeps its up
// to ITEMS Vals of a row in registers: x is read once. Error as there: relative L2 ≤ 1e-6 for f32 storage.
// Assumes channels ≤ ITEMS · ROW_LANES, and what norm/reduce does.
requires immediate_address_space;
//#import common/types
//#import norm/value
//#import norm/reduce
//#const ITEMS u32
struct Params { rows: u32, channels: u32, has_beta: u32, eps: f32 }
var<immediate> p: Params;
@group(0) @binding(0) var<storage, read_write> x: array<Stored>;
@group(0) @binding(1) var<storage, read> gamma: array<Val>;
@group(0) @binding(2) var<storage, read> beta: array<Val>;
@group(0) @binding(3) var<storage, read_write> out: array<Stored>;

@compute @workgroup_size(ROW_LANES * ROWS)
fn main(@builtin(workgroup_id) wg: vec3<u32>, @builtin(num_workgroups) grid: vec3<u32>,
        @builtin(local_invocation_index) index: u32, @builtin(subgroup_size) size: u32) {
  // Rows past the end repeat the last one, so that every lane takes part in the sums; they are not written.
  let row = (wg.x + wg.y * grid.x) * ROWS + index / ROW_LANES;
  let base = min(row, p.rows - 1u) * p.channels;
  let lane = index % ROW_LANES;
  let count = f32(p.channels) * VAL_WIDTH;
  var v: array<Val, ITEMS>;
  var total = Val();
//#unroll i ITEMS
  if (lane + i * ROW_LANES < p.channels) { v[i] = Val(x[base + lane + i * ROW_LANES]); }
  total += v[i];
//#endunroll
  let mean = sum_row(vec2<f32>(add_up(total), 0.0), index, size).x / count;
  var deviation = Val();
  var squares = Val();
//#unroll i ITEMS
  v[i] -= mean;
  let d = select(Val(), v[i], lane + i * ROW_LANES < p.channels);
  deviation += d;
  squares += d * d;
//#endunroll
  let sums = sum_row(vec2<f32>(add_up(deviation), add_up(squares)), index, size) / count;
  let scale = inverseSqrt(max(sums.y - sums.x * sums.x, 0.0) + p.eps);
  if (row >= p.rows) { return; }
//#unroll i ITEMS
  let c = lane + i * ROW_LANES;
  if (c < p.channels) {
    var result = (v[i] - sums.x) * scale * gamma[c];
    if (p.has_beta != 0u) { result += beta[c]; }
    out[base + c] = Stored(result);
  }
//#endunroll
}

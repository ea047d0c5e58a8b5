// (x − mean) / sqrt(variance + eps) · gamma + beta over the last dimension; one subgroup a row, for CPU drivers.
// Layout and error bound as in layer-norm-portable: x and out [rows, channels] as Val, gamma, beta f32, `channels` counts Vals.
// Assumes that a workgroup of SUBGROUP invocations is one whole subgroup.
requires immediate_address_space;
enable subgroups;
//#import common/types
//#import norm/value
//#const SUBGROUP u32
struct Params { rows: u32, channels: u32, has_beta: u32, eps: f32 }
var<immediate> p: Params;
@group(0) @binding(0) var<storage, read_write> x: array<Stored>;
@group(0) @binding(1) var<storage, read> gamma: array<Val>;
@group(0) @binding(2) var<storage, read> beta: array<Val>;
@group(0) @binding(3) var<storage, read_write> out: array<Stored>;

@compute @workgroup_size(SUBGROUP)
fn main(@builtin(workgroup_id) wg: vec3<u32>, @builtin(num_workgroups) grid: vec3<u32>,
        @builtin(local_invocation_index) lane: u32) {
  let row = wg.x + wg.y * grid.x;
  if (row >= p.rows) { return; }
  let base = row * p.channels;
  let count = f32(p.channels) * VAL_WIDTH;
  var total = Val();
  for (var c = lane; c < p.channels; c += SUBGROUP) { total += Val(x[base + c]); }
  let mean = subgroupAdd(add_up(total)) / count;
  var deviation = Val();
  var squares = Val();
  for (var c = lane; c < p.channels; c += SUBGROUP) {
    let d = Val(x[base + c]) - mean;
    deviation += d;
    squares += d * d;
  }
  let rest = subgroupAdd(add_up(deviation)) / count;
  let scale = inverseSqrt(max(subgroupAdd(add_up(squares)) / count - rest * rest, 0.0) + p.eps);
  for (var c = lane; c < p.channels; c += SUBGROUP) {
    var v = ((Val(x[base + c]) - mean) - rest) * scale * gamma[c];
    if (p.has_beta != 0u) { v += beta[c]; }
    out[base + c] = Stored(v);
  }
}

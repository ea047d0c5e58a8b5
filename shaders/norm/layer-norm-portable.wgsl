// (x − mean) / sqrt(variance + eps) · gamma + beta over the last dimension; a workgroup of 64 a row. WGSL core only.
// Layout: x and out [rows, channels] as Val (vec4 when channels divide by 4, else single elements); gamma, beta f32. `channels`
// counts Vals. Two passes: the second sums deviations from the first one's mean and corrects that mean by what is left of
// them, so a mean far from zero costs no digits: relative L2 error ≤ 1e-6 for f32 storage.
requires immediate_address_space;
//#import common/types
//#import norm/value
struct Params { rows: u32, channels: u32, has_beta: u32, eps: f32 }
var<immediate> p: Params;
@group(0) @binding(0) var<storage, read_write> x: array<Stored>;
@group(0) @binding(1) var<storage, read> gamma: array<Val>;
@group(0) @binding(2) var<storage, read> beta: array<Val>;
@group(0) @binding(3) var<storage, read_write> out: array<Stored>;

const LANES: u32 = 64u;
var<workgroup> tree: array<vec2<f32>, LANES>;

fn sum_all(value: vec2<f32>, lane: u32) -> vec2<f32> {
  tree[lane] = value;
  workgroupBarrier();
  for (var step = LANES / 2u; step > 0u; step /= 2u) {
    if (lane < step) { tree[lane] += tree[lane + step]; }
    workgroupBarrier();
  }
  let sum = tree[0];
  workgroupBarrier();
  return sum;
}

@compute @workgroup_size(LANES)
fn main(@builtin(workgroup_id) wg: vec3<u32>, @builtin(num_workgroups) grid: vec3<u32>,
        @builtin(local_invocation_index) lane: u32) {
  let row = wg.x + wg.y * grid.x;
  if (row >= p.rows) { return; }
  let base = row * p.channels;
  let count = f32(p.channels) * VAL_WIDTH;
  var total = Val();
  for (var c = lane; c < p.channels; c += LANES) { total += Val(x[base + c]); }
  let mean = sum_all(vec2<f32>(add_up(total), 0.0), lane).x / count;
  var deviation = Val();
  var squares = Val();
  for (var c = lane; c < p.channels; c += LANES) {
    let d = Val(x[base + c]) - mean;
    deviation += d;
    squares += d * d;
  }
  let sums = sum_all(vec2<f32>(add_up(deviation), add_up(squares)), lane) / count;
  let scale = inverseSqrt(max(sums.y - sums.x * sums.x, 0.0) + p.eps);
  for (var c = lane; c < p.channels; c += LANES) {
    var v = ((Val(x[base + c]) - mean) - sums.x) * scale * gamma[c];
    if (p.has_beta != 0u) { v += beta[c]; }
    out[base + c] = Stored(v);
  }
}

// act((norm(x) · gamma + beta) · (1 + scale) + shift), norm over [positions × channels / groups] of an image; a workgroup
// of 256 an image and group. WGSL core only.
// Layout: x and out [B, positions, channels]; gamma, beta f32 [channels]; scale_shift [B, 2·channels] of the storage type,
// scale first. VEC4: channels / groups divides by 4 and x is read as vec4; `channels`, `width` (= channels / groups) and positions
// count Vals. Two passes: the second sums deviations from the first one's mean and corrects that mean by what is left of
// them, so a mean far from zero costs no digits: relative L2 error ≤ 1e-6 for f32 storage. Grid: (groups, B).
requires immediate_address_space;
//#import common/types
//#import norm/value
//#import norm/finish
struct Params { positions: u32, channels: u32, groups: u32, flags: u32, eps: f32 }
var<immediate> p: Params;
@group(0) @binding(0) var<storage, read_write> x: array<Stored>;
@group(0) @binding(1) var<storage, read> gamma: array<Val>;
@group(0) @binding(2) var<storage, read> beta: array<Val>;
@group(0) @binding(3) var<storage, read_write> scale_shift: array<Stored>;
@group(0) @binding(4) var<storage, read_write> out: array<Stored>;

const LANES: u32 = 256u;
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
fn main(@builtin(workgroup_id) wg: vec3<u32>, @builtin(local_invocation_index) lane: u32) {
  let width = p.channels / p.groups;
  let first = wg.x * width; // channel of the group
  let base = wg.y * p.positions * p.channels + first;
  let items = p.positions * width;
  let count = f32(items) * VAL_WIDTH;
  var total = Val();
  for (var i = lane; i < items; i += LANES) { total += Val(x[base + i / width * p.channels + i % width]); }
  let mean = sum_all(vec2<f32>(add_up(total), 0.0), lane).x / count;
  var deviation = Val();
  var squares = Val();
  for (var i = lane; i < items; i += LANES) {
    let d = Val(x[base + i / width * p.channels + i % width]) - mean;
    deviation += d;
    squares += d * d;
  }
  let sums = sum_all(vec2<f32>(add_up(deviation), add_up(squares)), lane) / count;
  let inverse = inverseSqrt(max(sums.y - sums.x * sums.x, 0.0) + p.eps);
  for (var i = lane; i < items; i += LANES) {
    let c = first + i % width;
    let at = base + i / width * p.channels + i % width;
    var v = ((Val(x[at]) - mean) - sums.x) * inverse * gamma[c] + beta[c];
    if ((p.flags & HAS_SCALE_SHIFT) != 0u) {
      let row = wg.y * 2u * p.channels;
      v = v * (1.0 + Val(scale_shift[row + c])) + Val(scale_shift[row + p.channels + c]);
    }
    out[at] = Stored(activate_val(v, p.flags >> 8u));
  }
}

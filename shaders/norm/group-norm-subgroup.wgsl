// act((norm(x) · gamma + beta) · (1 + scale) + shift), norm over [positions × channels / groups] of an image; a workgroup of
// ROW_LANES lanes an image and group. Layout and operands as in group-norm-portable, with `channels` and `width` counting Vals.
// An invocation keeps its up to ITEMS Vals of the group in registers: x is read once. Error as there: relative L2 ≤ 1e-6 for f32
// storage. Assumes positions · width ≤ ITEMS · ROW_LANES, ROWS = 1, and what norm/reduce does. Grid: (groups, B).
requires immediate_address_space;
//#import common/types
//#import norm/value
//#import norm/finish
//#import norm/reduce
//#const ITEMS u32
struct Params { positions: u32, channels: u32, groups: u32, flags: u32, eps: f32 }
var<immediate> p: Params;
@group(0) @binding(0) var<storage, read_write> x: array<Stored>;
@group(0) @binding(1) var<storage, read> gamma: array<Val>;
@group(0) @binding(2) var<storage, read> beta: array<Val>;
@group(0) @binding(3) var<storage, read_write> scale_shift: array<Stored>;
@group(0) @binding(4) var<storage, read_write> out: array<Stored>;

/// An item of a group: its position in the image and its channel in the group.
struct Place { position: u32, channel: u32 }

/// The item ROW_LANES further on.
fn next_place(place: Place, step: Place, width: u32) -> Place {
  let channel = place.channel + step.channel;
  let wraps = channel >= width;
  return Place(place.position + step.position + u32(wraps), select(channel, channel - width, wraps));
}

@compute @workgroup_size(ROW_LANES)
fn main(@builtin(workgroup_id) wg: vec3<u32>, @builtin(local_invocation_index) lane: u32,
        @builtin(subgroup_size) size: u32) {
  let width = p.channels / p.groups;
  let first = wg.x * width;
  let base = wg.y * p.positions * p.channels + first;
  let count = f32(p.positions * width) * VAL_WIDTH;
  let step = Place(ROW_LANES / width, ROW_LANES % width);
  var place = Place(lane / width, lane % width);
  var v: array<Val, ITEMS>;
  var at: array<Place, ITEMS>;
  var total = Val();
//#unroll i ITEMS
  at[i] = place;
  if (place.position < p.positions) { v[i] = Val(x[base + place.position * p.channels + place.channel]); }
  total += v[i];
  place = next_place(place, step, width);
//#endunroll
  let mean = sum_row(vec2<f32>(add_up(total), 0.0), lane, size).x / count;
  var deviation = Val();
  var squares = Val();
//#unroll i ITEMS
  v[i] -= mean;
  let d = select(Val(), v[i], at[i].position < p.positions);
  deviation += d;
  squares += d * d;
//#endunroll
  let sums = sum_row(vec2<f32>(add_up(deviation), add_up(squares)), lane, size) / count;
  let inverse = inverseSqrt(max(sums.y - sums.x * sums.x, 0.0) + p.eps);
//#unroll i ITEMS
  if (at[i].position < p.positions) {
    let c = first + at[i].channel;
    var result = (v[i] - sums.x) * inverse * gamma[c] + beta[c];
    if ((p.flags & HAS_SCALE_SHIFT) != 0u) {
      let row = wg.y * 2u * p.channels;
      result = result * (1.0 + Val(scale_shift[row + c])) + Val(scale_shift[row + p.channels + c]);
    }
    out[base + at[i].position * p.channels + at[i].channel] = Stored(activate_val(result, p.flags >> 8u));
  }
//#endunroll
}

// What the softmax kernels share: a lane's part of one row, read as Val (norm/value) at places first, first + step, ….
// Layout: x and out [rows, columns]; `columns` counts Vals. softmax(scale · x): one reading finds the largest value and the sum of
// exponentials below it at once (the sum is rescaled whenever a larger value comes), a second writes. f32 throughout; scores
// below −1e30 count as −1e30, so that −∞ masks a place and a row of nothing else is uniform. Relative error of a result
// ≤ about (|scale · x| + 8)·2⁻²⁴, that of exp and of the sum.
requires immediate_address_space;
//#import common/types
//#import norm/value
struct Params { rows: u32, columns: u32, scale: f32 }
var<immediate> p: Params;
@group(0) @binding(0) var<storage, read_write> x: array<Stored>;
@group(0) @binding(1) var<storage, read_write> out: array<Stored>;

const LOWEST: f32 = -1e30;

/// Largest score of some places, and the sum of exp(score − largest) over them.
struct Partial { largest: f32, sum: f32 }

fn score(at: u32) -> Val { return max(Val(x[at]) * p.scale, Val(LOWEST)); }

//#if VEC4
fn largest_of(v: Val) -> f32 { return max(max(v.x, v.y), max(v.z, v.w)); }
//#else
fn largest_of(v: Val) -> f32 { return v; }
//#endif

fn partial_of(base: u32, first: u32, step: u32) -> Partial {
  var part = Partial(LOWEST, 0.0);
  for (var c = first; c < p.columns; c += step) {
    let v = score(base + c);
    let largest = max(part.largest, largest_of(v));
    part.sum = part.sum * exp(part.largest - largest) + add_up(exp(v - largest));
    part.largest = largest;
  }
  return part;
}

/// Writes the places of a lane, given the whole row's partial.
fn write_row(base: u32, first: u32, step: u32, whole: Partial) {
  let factor = 1.0 / whole.sum;
  for (var c = first; c < p.columns; c += step) { out[base + c] = Stored(exp(score(base + c) - whole.largest) * factor); }
}

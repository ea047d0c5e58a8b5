// Second of three kernels: the strips of a group become one mean and variance, and these a map of each channel,
// out = (x − pivot) · factor + offset, that has gamma, beta, scale and shift in it. A workgroup of LANES a group.
// Layout: x [B, positions, channels] single elements (only pivots are read); partial as group-norm-strips leaves it; gamma,
// beta f32 [channels]; scale_shift [B, 2·channels], scale first; map f32 [B, 3, channels]: pivot, factor, offset.
// Parts are joined by the formula of Chan, Golub and LeVeque (1979), in an order that depends on the image's shape only.
// WGSL core only. Grid: (groups, 1, B).
//#import common/types
//#import norm/strip
//#import norm/finish
@group(0) @binding(0) var<storage, read_write> x: array<Elem>;
@group(0) @binding(1) var<storage, read_write> partial: array<f32>;
@group(0) @binding(2) var<storage, read> gamma: array<f32>;
@group(0) @binding(3) var<storage, read> beta: array<f32>;
@group(0) @binding(4) var<storage, read_write> scale_shift: array<Elem>;
@group(0) @binding(5) var<storage, read_write> map: array<f32>;

/// A sum over the lanes has two levels, so that none of them is long.
const SHARES: u32 = min(LANES, 16u);
var<workgroup> lanes: array<f32, LANES>;
var<workgroup> shares: array<f32, SHARES>;

fn sum_all(value: f32, lane: u32) -> f32 {
  lanes[lane] = value;
  workgroupBarrier();
  if (lane < SHARES) {
    var share = 0.0;
    for (var i = lane; i < LANES; i += SHARES) { share += lanes[i]; }
    shares[lane] = share;
  }
  workgroupBarrier();
  var sum = 0.0;
  for (var i = 0u; i < SHARES; i++) { sum += shares[i]; }
  return sum;
}

@compute @workgroup_size(LANES)
fn main(@builtin(workgroup_id) wg: vec3<u32>, @builtin(local_invocation_index) lane: u32) {
  let channels = p.channels * u32(VAL_WIDTH);
  let width = channels / p.groups;
  let first = wg.x * width;
  let parts = p.strips * width;
  let base = wg.z * p.strips * 2u * channels + first;
  let count = f32(p.positions) * f32(width);

  var total = 0.0;
  for (var i = lane; i < parts; i += LANES) {
    let strip = i / width;
    total += partial[base + strip * 2u * channels + i % width] * f32(strip_count(strip));
  }
  let mean = sum_all(total, lane) / count;
  var squares = 0.0;
  for (var i = lane; i < parts; i += LANES) {
    let strip = i / width;
    let at = base + strip * 2u * channels + i % width;
    let d = partial[at] - mean;
    squares += partial[at + channels] + d * d * f32(strip_count(strip));
  }
  let inverse = inverseSqrt(sum_all(squares, lane) / count + p.eps);

  let pivot = f32(x[wg.z * p.positions * channels + first]);
  for (var c = first + lane; c < first + width; c += LANES) {
    var factor = inverse * gamma[c];
    var offset = beta[c] - mean * factor;
    if ((p.flags & HAS_SCALE_SHIFT) != 0u) {
      let scale = 1.0 + f32(scale_shift[wg.z * 2u * channels + c]);
      factor *= scale;
      offset = offset * scale + f32(scale_shift[wg.z * 2u * channels + channels + c]);
    }
    let to = wg.z * 3u * channels + c;
    map[to] = pivot;
    map[to + channels] = factor;
    map[to + 2u * channels] = offset;
  }
}

// One pass of PyTorch's antialiased bicubic resize (aten/src/ATen/native/cpu/UpSampleKernel.cpp, align_corners False):
// resamples the middle dimension of x [outer, length, inner] to `out_length`. Items are elements or vec4s of inner
// (counted in items). Half-pixel centres; cubic kernel with a = −1/2, widened by length / out_length when shrinking;
// the window is cut at the border and its weights normalised. Positions are integers in units of 1 / (2 · out_length),
// hence exact: sizes ≤ 16384. Error ≤ 1e-6 of the largest input, of f32 sums over 4 taps (more when shrinking).
//#import common/io
//#import common/flat
requires immediate_address_space;

struct Params {
  count: u32,
  inner: u32,
  length: i32,
  out_length: i32,
}
var<immediate> p: Params;

@group(0) @binding(0) var<storage, read_write> x: array<In>;
@group(0) @binding(1) var<storage, read_write> result: array<Out>;

fn cubic(distance: f32) -> f32 {
  let d = abs(distance);
  if (d < 1.0) { return (1.5 * d - 2.5) * d * d + 1.0; }
  if (d < 2.0) { return ((2.5 - 0.5 * d) * d - 4.0) * d + 2.0; }
  return 0.0;
}

fn resample(i: u32) -> Value {
  let line = i / p.inner;
  let position = i32(line % u32(p.out_length));
  let start = line / u32(p.out_length) * u32(p.length) * p.inner + i % p.inner;
  let stretch = max(p.length, p.out_length);
  let unit = 2 * p.out_length;
  let center = p.length * (2 * position + 1);
  let first = max(center - 4 * stretch + p.out_length, 0) / unit;
  let end = min((center + 4 * stretch + p.out_length) / unit, p.length);
  var sum = Value(0.0);
  var weights = 0.0;
  for (var tap = first; tap < end; tap++) {
    let weight = cubic(f32(tap * unit + p.out_length - center) / f32(2 * stretch));
    sum += weight * Value(x[start + u32(tap) * p.inner]);
    weights += weight;
  }
  return sum / weights;
}

@compute @workgroup_size(WORKGROUP)
fn main(
  @builtin(workgroup_id) workgroup: vec3u,
  @builtin(num_workgroups) workgroups: vec3u,
  @builtin(local_invocation_index) invocation: u32,
) {
  let first = first_item(workgroup, workgroups, invocation);
  let end = end_item(first, p.count);
  for (var i = first; i < end; i += WORKGROUP) { result[i] = Out(resample(i)); }
}

// First of three kernels (group-norm-strips, -combine, -apply): sums of each channel over strips of positions. No invocation
// needs another's result: WGSL core only, any workgroup size, vec4 reads whatever a group's width.
// Layout: x [B, positions, channels] as Val; partial f32 [B, strips, 2, channels]: mean of x − pivot over the strip, then the
// sum of squares of its deviation from that mean. The pivot of a channel is the first element of its group in the image, so that what
// is summed is small where a group's mean is large; the second pass over a strip keeps the squares exact and hits the cache.
// Grid: (workgroups, 1 or more, B).
//#import common/types
//#import norm/strip
@group(0) @binding(0) var<storage, read_write> x: array<Stored>;
@group(0) @binding(1) var<storage, read_write> partial: array<Val>;

fn pivot(image: u32, c: u32) -> Val {
  let base = image * p.positions * p.channels;
//#if VEC4
  let width = 4u * p.channels / p.groups;
  var v = vec4<f32>();
  for (var i = 0u; i < 4u; i++) {
    let first = (4u * c + i) / width * width;
    v[i] = f32(x[base + first / 4u][first % 4u]);
  }
  return v;
//#else
  let width = p.channels / p.groups;
  return f32(x[base + c / width * width]);
//#endif
}

@compute @workgroup_size(LANES)
fn main(@builtin(workgroup_id) wg: vec3<u32>, @builtin(num_workgroups) grid: vec3<u32>,
        @builtin(local_invocation_index) lane: u32) {
  let index = (wg.x + wg.y * grid.x) * LANES + lane;
  let strip = index / p.channels;
  if (strip >= p.strips) { return; }
  let c = index % p.channels;
  let count = strip_count(strip);
  let start = (wg.z * p.positions + strip_start(strip)) * p.channels + c;
  let step = p.spread * p.channels;
  let zero = pivot(wg.z, c);
  var total = Val();
  for (var i = 0u; i < count; i += BLOCK) {
//#unroll j BLOCK
    let d = Val(x[start + min(i + j, count - 1u) * step]) - zero;
    total += select(Val(), d, i + j < count);
//#endunroll
  }
  let mean = total / f32(max(count, 1u));
  var squares = Val();
  for (var i = 0u; i < count; i += BLOCK) {
//#unroll j BLOCK
    let d = (Val(x[start + min(i + j, count - 1u) * step]) - zero) - mean;
    squares += select(Val(), d * d, i + j < count);
//#endunroll
  }
  let to = (wg.z * p.strips + strip) * 2u * p.channels + c;
  partial[to] = mean;
  partial[to + p.channels] = squares;
}

// out[b, h, w] = mean, or with LARGEST the largest, of x[b, 2h .. 2h+1, 2w .. 2w+1]: x [B, H, W, C],
// out [B, ⌊H/2⌋, ⌊W/2⌋, C]. Items are elements or vec4s of C (channels counted in items). f32 sum, three roundings; the
// largest is exact.
//#import common/io
//#import common/flat
requires immediate_address_space;

struct Params {
  count: u32,
  channels: u32,
  height: u32,
  width: u32,
}
var<immediate> p: Params;

@group(0) @binding(0) var<storage, read_write> x: array<In>;
@group(0) @binding(1) var<storage, read_write> result: array<Out>;

fn pooled(i: u32) -> Value {
  let pixel = i / p.channels;
  let row = pixel / (p.width / 2u);
  let column = pixel % (p.width / 2u);
  let top = row / (p.height / 2u) * p.height + row % (p.height / 2u) * 2u;
  let at = (top * p.width + 2u * column) * p.channels + i % p.channels;
  let below = at + p.width * p.channels;
//#if LARGEST
  return max(max(Value(x[at]), Value(x[at + p.channels])), max(Value(x[below]), Value(x[below + p.channels])));
//#else
  let sum = Value(x[at]) + Value(x[at + p.channels]) + (Value(x[below]) + Value(x[below + p.channels]));
  return sum * 0.25;
//#endif
}

@compute @workgroup_size(WORKGROUP)
fn main(
  @builtin(workgroup_id) workgroup: vec3u,
  @builtin(num_workgroups) workgroups: vec3u,
  @builtin(local_invocation_index) invocation: u32,
) {
  let first = first_item(workgroup, workgroups, invocation);
  let end = end_item(first, p.count);
  for (var i = first; i < end; i += WORKGROUP) { result[i] = Out(pooled(i)); }
}

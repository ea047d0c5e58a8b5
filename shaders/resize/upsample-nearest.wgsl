// out[b, h, w] = x[b, h / 2, w / 2]: x [B, H, W, C], out [B, 2H, 2W, C]. Items are elements or vec4s of C (channels
// counted in items). Exact, but for the rounding to Out.
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

fn source(i: u32) -> u32 {
  let pixel = i / p.channels;
  let row = pixel / (2u * p.width);
  let column = pixel % (2u * p.width) / 2u;
  // Twice the height in all: row / 2 is already the row of x, counted through the batch.
  return (row / 2u * p.width + column) * p.channels + i % p.channels;
}

@compute @workgroup_size(WORKGROUP)
fn main(
  @builtin(workgroup_id) workgroup: vec3u,
  @builtin(num_workgroups) workgroups: vec3u,
  @builtin(local_invocation_index) invocation: u32,
) {
  let first = first_item(workgroup, workgroups, invocation);
  let end = end_item(first, p.count);
  for (var i = first; i < end; i += WORKGROUP) { result[i] = Out(Value(x[source(i)])); }
}

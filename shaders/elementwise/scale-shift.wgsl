// out = x · (1 + scale) + shift: x [B, positions, channels], emb [B, 2 · channels] holds scale, then shift, of each
// image. Items are elements or vec4s (channels counted in items; perImage = positions · channels). f32 arithmetic,
// three roundings.
//#import common/io
//#import common/flat
requires immediate_address_space;

struct Params {
  count: u32,
  channels: u32,
  per_image: u32,
}
var<immediate> p: Params;

@group(0) @binding(0) var<storage, read_write> x: array<In>;
@group(0) @binding(1) var<storage, read_write> emb: array<In2>;
@group(0) @binding(2) var<storage, read_write> result: array<Out>;

fn modulate(v: Value, i: u32) -> Value {
  let scale = i / p.per_image * 2u * p.channels + i % p.channels;
  return v * (Value(1.0) + Value(emb[scale])) + Value(emb[scale + p.channels]);
}

@compute @workgroup_size(WORKGROUP)
fn main(
  @builtin(workgroup_id) workgroup: vec3u,
  @builtin(num_workgroups) workgroups: vec3u,
  @builtin(local_invocation_index) invocation: u32,
) {
  let first = first_item(workgroup, workgroups, invocation);
  let end = end_item(first, p.count);
  for (var i = first; i < end; i += WORKGROUP) { result[i] = Out(modulate(Value(x[i]), i)); }
}

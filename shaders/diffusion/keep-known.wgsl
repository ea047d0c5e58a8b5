// Masked sampling (RePaint, arXiv 2201.09865), in place: latents = w·(a·known + b·noise) + (1 − w)·(c·latents + d·noise).
// latents, known and noise f32 [B, positions, C], weights w f32 [B, positions], records (a, b, c, d) one vec4f an image. Items
// are elements or vec4s of C; all lengths count items. Noise is not read where b and d are 0. f32 arithmetic; a weight of 1
// or 0 with scales of 1 and no noise copies exactly.
//#import common/io
//#import common/flat
requires immediate_address_space;

struct Params {
  count: u32,
  per_image: u32,
  channels: u32,
}
var<immediate> p: Params;

@group(0) @binding(0) var<storage, read_write> latents: array<Value>;
@group(0) @binding(1) var<storage, read_write> known: array<Value>;
@group(0) @binding(2) var<storage, read_write> weights: array<f32>;
@group(0) @binding(3) var<storage, read_write> noise: array<Value>;
@group(0) @binding(4) var<storage, read_write> records: array<vec4f>;

fn keep(i: u32) {
  let r = records[i / p.per_image];
  var z = Value(0.0);
  if (r.y != 0.0 || r.w != 0.0) { z = noise[i]; }
  let w = weights[i / p.channels];
  latents[i] = w * (r.x * known[i] + r.y * z) + (1.0 - w) * (r.z * latents[i] + r.w * z);
}

@compute @workgroup_size(WORKGROUP)
fn main(
  @builtin(workgroup_id) workgroup: vec3u,
  @builtin(num_workgroups) workgroups: vec3u,
  @builtin(local_invocation_index) invocation: u32,
) {
  let first = first_item(workgroup, workgroups, invocation);
  let end = end_item(first, p.count);
  for (var i = first; i < end; i += WORKGROUP) { keep(i); }
}

// Guidance and one reverse step of a sampler, in place; formulas and the record of 16 f32 an image:
// src/ts/diffusion/step-params.ts. model [B or 2B (GUIDED: unconditional half first), positions, C or 2C
// (LEARNED_VARIANCE)], latents, noise and x0 f32 [B, positions, C]. Items are elements or vec4s of C; all lengths count
// items. Noise is not read where an image's noise scale is 0, nor the x0 of the step before, which x0 holds until it is
// written, where its weight is 0. f32 arithmetic in diffusers' order; drivers may contract
// a·b + c and divide to 2.5 ulp, which the first step of an ε model multiplies by 2e4 before the clip: elements near 0
// may flip sign there.
//#import common/io
//#import common/flat
requires immediate_address_space;

struct Params {
  count: u32,
  per_image: u32,
  channels: u32,
  model_channels: u32,
  conditional: u32,
}
var<immediate> p: Params;

@group(0) @binding(0) var<storage, read_write> model: array<In>;
@group(0) @binding(1) var<storage, read_write> latents: array<Value>;
@group(0) @binding(2) var<storage, read_write> noise: array<Value>;
@group(0) @binding(3) var<storage, read_write> records: array<vec4f>;
@group(0) @binding(4) var<storage, read_write> x0: array<Value>;

fn limited(v: Value, range: f32) -> Value { return select(v, clamp(v, Value(-range), Value(range)), range > 0.0); }

fn reverse_step(i: u32) {
  let image = i / p.per_image;
  // timestep, guidanceScale, x0FromSample, x0FromOutput
  let a = records[4u * image];
  // x0Divisor, clipRange, x0Coeff, xtCoeff
  let b = records[4u * image + 1u];
  // std, logVarMin, logVarMax, noiseScale
  let c = records[4u * image + 2u];
  // learnedVariance, outputClip, x0PrevCoeff
  let d = records[4u * image + 3u];

  let at = i / p.channels * p.model_channels + i % p.channels;
  var output = Value(model[p.conditional + at]);
//#if GUIDED
  if (a.y != 1.0) {
    let unconditional = Value(model[at]);
    output = unconditional + a.y * (output - unconditional);
  }
//#endif

  let x = latents[i];
  let clean = limited((a.z * x + a.w * output) / b.x, b.y);
  var next = b.z * clean + b.w * x;
  if (d.z != 0.0) { next += d.z * x0[i]; }
  if (c.w != 0.0) {
    var deviation = Value(c.x);
//#if LEARNED_VARIANCE
    if (d.x != 0.0) {
      let fraction = (Value(model[p.conditional + at + p.channels]) + 1.0) / 2.0;
      deviation = exp(0.5 * (fraction * c.z + (1.0 - fraction) * c.y));
    }
//#endif
    next += c.w * (deviation * noise[i]);
  }
  x0[i] = clean;
  latents[i] = limited(next, d.y);
}

@compute @workgroup_size(WORKGROUP)
fn main(
  @builtin(workgroup_id) workgroup: vec3u,
  @builtin(num_workgroups) workgroups: vec3u,
  @builtin(local_invocation_index) invocation: u32,
) {
  let first = first_item(workgroup, workgroups, invocation);
  let end = end_item(first, p.count);
  for (var i = first; i < end; i += WORKGROUP) { reverse_step(i); }
}

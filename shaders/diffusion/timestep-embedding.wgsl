// Sinusoidal embedding of word 0 of steps f32 [B, record] (t ≥ 0): out [B, dim], frequencies exp(−ln(10000) · k / (half
// − shift)). Angles are fixed-point quarter turns, as an f32 angle of 1000 radians would be off by 6e-5: factors[n] is
// the frequency of index 2^n as a fraction of 2^32, and frequency k is the product over the bits of k. An item is a
// sine and its cosine, or the zero that ends an odd dim. Needs no sin, cos or exp of the driver's, whose errors WGSL
// hardly bounds. Error ≤ 1e-6.
//#import common/io
//#import common/flat
requires immediate_address_space;

struct Params {
  count: u32,
  dim: u32,
  record: u32,
  cosines_first: u32,
  factors0: vec4u,
  factors1: vec4u,
  factors2: vec4u,
}
var<immediate> p: Params;

@group(0) @binding(0) var<storage, read_write> steps: array<f32>;
@group(0) @binding(1) var<storage, read_write> result: array<Out>;

// 64-bit product of a and b: (low, high).
fn wide_product(a: u32, b: u32) -> vec2u {
  let low = (a & 0xffffu) * (b & 0xffffu);
  let middle = (a >> 16u) * (b & 0xffffu) + (low >> 16u);
  let cross = (a & 0xffffu) * (b >> 16u) + (middle & 0xffffu);
  return vec2u(a * b, (a >> 16u) * (b >> 16u) + (middle >> 16u) + (cross >> 16u));
}

// `value` times `factor` (both fractions of 2^32) when `bit` of k is set.
fn scaled(value: u32, factor: u32, k: u32, bit: u32) -> u32 {
  let product = wide_product(value, factor);
  return select(value, product.y + (product.x >> 31u), ((k >> bit) & 1u) == 1u);
}

// Quarter turns per unit of t at index k: 2/π · frequency, as a fraction of 2^32.
fn quarter_turns(k: u32) -> u32 {
  var q = 0xa2f9836eu;
  for (var n = 0u; n < 4u; n++) { q = scaled(q, p.factors0[n], k, n); }
  for (var n = 0u; n < 4u; n++) { q = scaled(q, p.factors1[n], k, n + 4u); }
  for (var n = 0u; n < 4u; n++) { q = scaled(q, p.factors2[n], k, n + 8u); }
  return q;
}

// (sin, cos) of t quarter_turns(k): whole turns fall away in the integers, what is left is within ±π/4 of a quarter.
fn sine_cosine(t: f32, k: u32) -> vec2f {
  let q = quarter_turns(k);
  let product = wide_product(u32(t), q);
  let fraction = product.x + u32((t - floor(t)) * f32(q));
  let quarter = product.y + select(0u, 1u, fraction < product.x) + (fraction >> 31u);
  let r = f32(bitcast<i32>(fraction)) * 3.6572952e-10;
  let z = r * r;
  // Minimax polynomials of Cephes (sinf.c), error 4e-8 on ±π/4.
  let s = r + r * z * ((-1.9515295891e-4 * z + 8.3321608736e-3) * z - 1.6666654611e-1);
  let c = 1.0 - 0.5 * z + z * z * ((2.443315711809948e-5 * z - 1.388731625493765e-3) * z + 4.166664568298827e-2);
  let turned = select(vec2f(s, c), vec2f(c, -s), (quarter & 1u) == 1u);
  return select(turned, -turned, (quarter & 2u) == 2u);
}

fn embed(i: u32) {
  let half = p.dim / 2u;
  let per_image = p.dim - half;
  let image = i / per_image;
  let k = i % per_image;
  let row = image * p.dim;
  if (k == half) {
    result[row + p.dim - 1u] = Out(0.0);
    return;
  }
  let pair = sine_cosine(steps[image * p.record], k);
  let at = select(pair, pair.yx, p.cosines_first == 1u);
  result[row + k] = Out(at.x);
  result[row + half + k] = Out(at.y);
}

@compute @workgroup_size(WORKGROUP)
fn main(
  @builtin(workgroup_id) workgroup: vec3u,
  @builtin(num_workgroups) workgroups: vec3u,
  @builtin(local_invocation_index) invocation: u32,
) {
  let first = first_item(workgroup, workgroups, invocation);
  let end = end_item(first, p.count);
  for (var i = first; i < end; i += WORKGROUP) { embed(i); }
}

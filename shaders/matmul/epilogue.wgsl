// What follows a sum of products: out = act(sum + bias) + residual, in f32, converted to Elem on the store.
// `flags` word of the kernels: bit 0 bias, bit 1 residual, bit 2 image bias, bits 8… number of the activation.
//#import common/activation
const HAS_BIAS: u32 = 1u;
const HAS_RESIDUAL: u32 = 2u;
const HAS_IMAGE_BIAS: u32 = 4u;

fn activate4(v: vec4<f32>, kind: u32) -> vec4<f32> {
  if (kind == 0u) { return v; }
  return vec4<f32>(activate(v.x, kind), activate(v.y, kind), activate(v.z, kind), activate(v.w, kind));
}

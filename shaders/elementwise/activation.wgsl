// Element-wise activation: out[i] = f(x[i]), items are elements or vec4s. f32 arithmetic.
// Error: that of common/activation (2 to 3e-7 absolute for inputs of unit variance), and the rounding to Out.
//#import common/io
//#import common/flat
//#import common/activation
//#const KIND u32
requires immediate_address_space;

struct Params {
  count: u32,
}
var<immediate> p: Params;

@group(0) @binding(0) var<storage, read_write> x: array<In>;
@group(0) @binding(1) var<storage, read_write> result: array<Out>;

//#if VEC4
fn apply(v: Value) -> Value {
  return Value(activate(v.x, KIND), activate(v.y, KIND), activate(v.z, KIND), activate(v.w, KIND));
}
//#else
fn apply(v: Value) -> Value { return activate(v, KIND); }
//#endif

@compute @workgroup_size(WORKGROUP)
fn main(
  @builtin(workgroup_id) workgroup: vec3u,
  @builtin(num_workgroups) workgroups: vec3u,
  @builtin(local_invocation_index) invocation: u32,
) {
  let first = first_item(workgroup, workgroups, invocation);
  let end = end_item(first, p.count);
  for (var i = first; i < end; i += WORKGROUP) { result[i] = Out(apply(Value(x[i]))); }
}

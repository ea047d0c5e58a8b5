// out[i] = a[i] + b[j], with SCALED a[i] + scale · b[j], for the flat item i (an element or a vec4): j = i when SAME, else
// `step` items of b repeat and advance by `step` after every `span` items of a (src/ts/ops/elementwise/add.ts). One f32
// rounding, two when scaled, and that to Out.
//#import common/io
//#import common/flat
requires immediate_address_space;

struct Params {
  count: u32,
  span: u32,
  step: u32,
  scale: f32,
}
var<immediate> p: Params;

@group(0) @binding(0) var<storage, read_write> a: array<In>;
//#if B_WEIGHT
@group(0) @binding(1) var<storage, read> b: array<In2>;
//#else
@group(0) @binding(1) var<storage, read_write> b: array<In2>;
//#endif
@group(0) @binding(2) var<storage, read_write> result: array<Out>;

//#if SAME
fn partner(i: u32) -> u32 { return i; }
//#else
fn partner(i: u32) -> u32 { return i / p.span * p.step + i % p.step; }
//#endif

//#if SCALED
fn term(i: u32) -> Value { return p.scale * Value(b[partner(i)]); }
//#else
fn term(i: u32) -> Value { return Value(b[partner(i)]); }
//#endif

@compute @workgroup_size(WORKGROUP)
fn main(
  @builtin(workgroup_id) workgroup: vec3u,
  @builtin(num_workgroups) workgroups: vec3u,
  @builtin(local_invocation_index) invocation: u32,
) {
  let first = first_item(workgroup, workgroups, invocation);
  let end = end_item(first, p.count);
  for (var i = first; i < end; i += WORKGROUP) { result[i] = Out(Value(a[i]) + term(i)); }
}

// out[b, n, m] = x[b, m, n]. An item is an element, or with VEC4 (both sizes multiples of 4) a block of 4 × 4; rows and
// columns of x are counted in items. Neighbouring invocations write neighbouring memory. Exact, but for the rounding to
// Out.
//#import common/io
//#import common/flat
requires immediate_address_space;

struct Params {
  count: u32,
  rows: u32,
  columns: u32,
}
var<immediate> p: Params;

@group(0) @binding(0) var<storage, read_write> x: array<In>;
@group(0) @binding(1) var<storage, read_write> result: array<Out>;

//#if VEC4
fn move_item(image: u32, m: u32, n: u32) {
  let source = (image * p.rows + m) * 4u * p.columns + n;
  let block = transpose(mat4x4f(
    Value(x[source]), Value(x[source + p.columns]), Value(x[source + 2u * p.columns]), Value(x[source + 3u * p.columns])));
  let destination = (image * p.columns + n) * 4u * p.rows + m;
  for (var k = 0u; k < 4u; k++) { result[destination + k * p.rows] = Out(block[k]); }
}
//#else
fn move_item(image: u32, m: u32, n: u32) {
  result[(image * p.columns + n) * p.rows + m] = Out(Value(x[(image * p.rows + m) * p.columns + n]));
}
//#endif

@compute @workgroup_size(WORKGROUP)
fn main(
  @builtin(workgroup_id) workgroup: vec3u,
  @builtin(num_workgroups) workgroups: vec3u,
  @builtin(local_invocation_index) invocation: u32,
) {
  let first = first_item(workgroup, workgroups, invocation);
  let end = end_item(first, p.count);
  for (var i = first; i < end; i += WORKGROUP) {
    let outer = i / p.rows;
    move_item(outer / p.columns, i % p.rows, outer % p.columns);
  }
}

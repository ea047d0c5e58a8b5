// result[out_offset + r · out_stride + c] = x[in_offset + (r mod in_rows) · in_stride + c] for every row r and c < row_length
// (src/ts/ops/copy.ts): concatenation, slices, repetition, and conversion between f32 and f16. All lengths count items,
// which are elements or vec4s. Exact, but for the rounding to Out.
//#import common/io
//#import common/flat
requires immediate_address_space;

struct Params {
  count: u32,
  in_rows: u32,
  row_length: u32,
  in_stride: u32,
  in_offset: u32,
  out_stride: u32,
  out_offset: u32,
}
var<immediate> p: Params;

//#if X_WEIGHT
@group(0) @binding(0) var<storage, read> x: array<In>;
//#else
@group(0) @binding(0) var<storage, read_write> x: array<In>;
//#endif
@group(0) @binding(1) var<storage, read_write> result: array<Out>;

@compute @workgroup_size(WORKGROUP)
fn main(
  @builtin(workgroup_id) workgroup: vec3u,
  @builtin(num_workgroups) workgroups: vec3u,
  @builtin(local_invocation_index) invocation: u32,
) {
  let first = first_item(workgroup, workgroups, invocation);
  for (var k = 0u; k < ITEMS; k++) {
    let i = first + k * WORKGROUP;
    if (i < p.count) {
      let row = i / p.row_length;
      let c = i - row * p.row_length;
      let value = Value(x[p.in_offset + row % p.in_rows * p.in_stride + c]);
      result[p.out_offset + row * p.out_stride + c] = Out(value);
    }
  }
}

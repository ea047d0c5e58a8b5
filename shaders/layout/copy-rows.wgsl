// result[out_offset + r · out_stride + c] = x[in_offset + (r mod in_rows) · in_stride + c] for all rows r and c <
// row_length (src/ts/ops/copy.ts): concatenation, slices, repetition, and conversion between f32 and f16. All lengths
// count items, which are elements or vec4s. Without REPEATS in_rows is the number of rows. Exact, but for the rounding
// to Out.
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
  // WORKGROUP divided by row_length, and the remainder.
  step_rows: u32,
  step_columns: u32,
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
  // One division for all items of an invocation: integer division is what a copy on a CPU driver would spend its time on.
  var row = first / p.row_length;
  var c = first - row * p.row_length;
  let end = end_item(first, p.count);
  for (var i = first; i < end; i += WORKGROUP) {
//#if REPEATS
    let source = row % p.in_rows;
//#else
    let source = row;
//#endif
    result[p.out_offset + row * p.out_stride + c] = Out(Value(x[p.in_offset + source * p.in_stride + c]));
    row += p.step_rows;
    c += p.step_columns;
    if (c >= p.row_length) {
      c -= p.row_length;
      row++;
    }
  }
}

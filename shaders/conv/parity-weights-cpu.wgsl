// Weights of a 3×3 convolution with padding 1 over the nearest 2× enlargement of an image, as four 2×2 convolutions of the image
// itself: output row 2i sees image rows i−1, i, i (taps 0 | 1, 2), row 2i+1 rows i, i, i+1 (taps 0, 1 | 2), columns likewise.
// w [3, 3, I, LDW] (Q8: with scales, applied here) → sums f32 [2, 2, 2, 2, I, LDW]: parity of row and column, tap of row and column.
// An invocation sums four columns of a channel; loops over `parts` and taps of unknown length compile four times as fast on CPU drivers as
// what they would be unrolled to. f32; WGSL core only.
requires immediate_address_space;
//#import common/types
//#import common/flat
//#import matmul/epilogue
//#import matmul/weight-columns
struct Params { channels: u32, out_channels: u32, parts: u32 /* 16 */ }
var<immediate> p: Params;
@group(0) @binding(0) var<storage, read> w: array<WeightElem>;
@group(0) @binding(1) var<storage, read_write> sums: array<vec4<f32>>;
//#if Q8
@group(0) @binding(2) var<storage, read> scales: array<vec4<f32>>;
//#endif

@compute @workgroup_size(WORKGROUP)
fn main(
  @builtin(workgroup_id) wg: vec3<u32>,
  @builtin(num_workgroups) groups: vec3<u32>,
  @builtin(local_invocation_index) invocation: u32,
) {
  let ldw = (p.out_channels + 3u) / 4u;
  let count = p.channels * ldw;
  let first = first_item(wg, groups, invocation);
  let end = end_item(first, count);
  for (var i = first; i < end; i += WORKGROUP) {
    for (var part = 0u; part < p.parts; part++) {
      let rows = taps_of(part / 8u, part / 2u % 2u);
      let columns = taps_of(part / 4u % 2u, part % 2u);
      var sum = vec4<f32>();
      for (var ky = rows.x; ky <= rows.y; ky++) {
        for (var kx = columns.x; kx <= columns.y; kx++) {
          sum += weight_cols((ky * 3u + kx) * count + i / ldw * ldw, i % ldw);
        }
      }
//#if Q8
      sum *= scales[i % ldw];
//#endif
      sums[part * count + i] = sum;
    }
  }
}

/// First and last of the three taps that fall on the pixel that pixels of a parity see as their k-th of two.
fn taps_of(parity: u32, k: u32) -> vec2<u32> {
  if (k == 0u) { return vec2<u32>(0u, parity); }
  return vec2<u32>(parity + 1u, 2u);
}

// Weights of a 3×3 convolution with padding 1 over the nearest 2× enlargement of an image, as four 2×2 convolutions of the image
// itself: output row 2i sees image rows i−1, i, i (taps 0 | 1, 2), row 2i+1 rows i, i, i+1 (taps 0, 1 | 2), columns likewise.
// w [3, 3, I, LDW] (Q8: with scales, applied here) → sums f32 [2, 2, 2, 2, I, LDW]: parity of row and column, tap of row and column.
// An invocation sums four columns of a channel. f32; WGSL core only.
requires immediate_address_space;
//#import common/types
//#import common/flat
//#import matmul/epilogue
//#import matmul/weight-columns
struct Params { channels: u32, out_channels: u32 }
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
    // Loops of constant length over small arrays: all of it stays in registers.
    var taps: array<array<vec4<f32>, 3>, 3>;
    for (var t = 0u; t < 9u; t++) { taps[t / 3u][t % 3u] = weight_cols(t * count + i / ldw * ldw, i % ldw); }
//#if Q8
    for (var t = 0u; t < 9u; t++) { taps[t / 3u][t % 3u] *= scales[i % ldw]; }
//#endif
    for (var py = 0u; py < 2u; py++) {
      for (var ky = 0u; ky < 2u; ky++) {
        var row: array<vec4<f32>, 3>;
        for (var kx = 0u; kx < 3u; kx++) { row[kx] = pair(taps[0][kx], taps[1][kx], taps[2][kx], py, ky); }
        for (var px = 0u; px < 2u; px++) {
          for (var kx = 0u; kx < 2u; kx++) {
            sums[(((py * 2u + px) * 2u + ky) * 2u + kx) * count + i] = pair(row[0], row[1], row[2], px, kx);
          }
        }
      }
    }
  }
}

/// Tap `k` of the two that pixels of a parity see, of three.
fn pair(a: vec4<f32>, b: vec4<f32>, c: vec4<f32>, parity: u32, k: u32) -> vec4<f32> {
  if (k == 0u) { return a + select(b, vec4<f32>(), parity == 0u); }
  return c + select(vec4<f32>(), b, parity == 0u);
}

// Convolution of any kernel size and stride, for CPU drivers: one subgroup a workgroup, no barrier. Layout: conv/conv2d-common
// (no enlargement of x), epilogue: conv/store-cpu.
// An implicit product as in matmul/linear-cpu, of ROWS output pixels of one image × SUBGROUP·COLS channels (matmul/one-subgroup). A row
// of the kernel over a row of the image is one run of kernel·I numbers both in x and in w; its parts outside the image are zero.
// VEC_I: I is a multiple of 4 (runs read as vec4). Sums run over (ky, kx, channel) in f32 with fma: error ≤ K·2⁻²⁴·Σ|x·w|,
// K = kernel²·I. Any size; COLS must divide O.
enable subgroups;
//#const SUBGROUP u32
//#import conv/conv2d-common
//#import matmul/weight-columns
//#import matmul/one-subgroup
//#import conv/store-cpu

/// Numbers at…at+3 of an image row that begins at element `base` of x, zero before it and from `end` on. VEC_I: all multiples of 4.
fn load_quad(base: u32, at: i32, end: i32) -> vec4<f32> {
//#if VEC_I
  let inside = at >= 0 && at < end;
  return select(vec4<f32>(), vec4<f32>(x[(base + u32(select(0, at, inside))) / 4u]), inside);
//#else
  var v = vec4<f32>();
  for (var i = 0; i < 4; i++) {
    if (at + i >= 0 && at + i < end) { v[i] = f32(x[base + u32(at + i)]); }
  }
  return v;
//#endif
}

@compute @workgroup_size(SUBGROUP)
fn main(
  @builtin(workgroup_id) wg: vec3<u32>,
  @builtin(num_workgroups) groups: vec3<u32>,
  @builtin(subgroup_invocation_id) lane: u32,
) {
  let ldw = weight_stride(p.out_channels);
  let pixels = p.out_height * p.out_width;
  let tiles_o = (p.out_channels + SUBGROUP * COLS - 1u) / (SUBGROUP * COLS);
  let tiles_m = (pixels + ROWS - 1u) / ROWS;
  let tile = wg.x + wg.y * groups.x;
  let o = tile % tiles_o * SUBGROUP + lane;
  let m0 = tile / tiles_o % tiles_m * ROWS;
  let image = tile / (tiles_o * tiles_m);
  if (image >= p.batch) { return; }

  // Where the kernel lies over the pixels that this lane loads. Pixels past the end repeat the last one; they are not written.
  var left: array<i32, LOADS>; // in numbers
  var top: array<i32, LOADS>;
  for (var j = 0u; j < LOADS; j++) {
    let pixel = min(m0 + j * SUBGROUP + lane, pixels - 1u);
    left[j] = (i32(pixel % p.out_width * p.stride) - i32(p.pad)) * i32(p.channels);
    top[j] = i32(pixel / p.out_width * p.stride) - i32(p.pad);
  }
  let width = p.width * p.channels;
  let run = p.kernel * p.channels;
  var acc: array<Block, BLOCKS>;
  for (var ky = 0u; ky < p.kernel; ky++) {
    var base: array<u32, LOADS>;
    var end: array<i32, LOADS>;
    for (var j = 0u; j < LOADS; j++) {
      let iy = top[j] + i32(ky);
      let inside = iy >= 0 && iy < i32(p.height);
      base[j] = (image * p.height + u32(select(0, iy, inside))) * width;
      end[j] = select(0, min(i32(width), left[j] + i32(run)), inside);
    }
    for (var k = 0u; k < run; k += 4u) {
      var quads: array<vec4<f32>, LOADS>;
      for (var j = 0u; j < LOADS; j++) { quads[j] = load_quad(base[j], left[j] + i32(k), end[j]); }
      var wk: array<Cols, 4>;
      // Past the end of a run x is zero; the last row of w stands in there.
      for (var c = 0u; c < 4u; c++) { wk[c] = weight_cols((ky * run + min(k + c, run - 1u)) * ldw, o); }
      for (var b = 0u; b < BLOCKS; b++) { add_rows(&acc[b], &quads, 8u * b, wk); }
    }
  }

  if (o * COLS >= p.out_channels) { return; }
  let extra = extra_of(image, o);
  // A loop of unknown length, over a copy: one copy of the epilogue's code, and the accumulators stay in registers.
  var sums: array<Cols, ROWS>;
  for (var i = 0u; i < ROWS; i++) { sums[i] = acc[i / 8u][i % 8u]; }
  for (var i = 0u; i < min(ROWS, pixels - m0); i++) { store(image * pixels + m0 + i, o, sums[i], extra); }
}

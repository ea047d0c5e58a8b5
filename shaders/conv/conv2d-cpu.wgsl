// 3×3 convolution, stride 1, for CPU drivers: one subgroup a workgroup, no barrier. Layout and epilogue: conv/conv2d-common.
// A subgroup computes 8×4 output pixels × SUBGROUP·COLS channels; a lane owns COLS channels of all 32 pixels, in registers.
// Input is read as vec4 along channels, a pixel a lane (each of the four rows of 8 pixels with its halo of 2), and handed round
// with subgroupShuffle; each value serves the three taps of a kernel row. There, a load costs as much as 16 to 20 fused
// multiply-adds (lanes are loaded one by one, bounds checked), hence the large tile; and the loop over the four channels must
// stay a loop: unrolled, its live values spill.
// Every sum runs over (ky, channel, kx) in f32 with fma: error ≤ 9·I·2⁻²⁴·Σ|x·w|. Any size; COLS must divide O.
enable subgroups;
//#const SUBGROUP u32
//#import conv/conv2d-common
//#import matmul/weight-columns
//#import conv/store-cpu

const TILE_W: u32 = 8u;
const TILE_H: u32 = 4u;
const SPAN: u32 = TILE_W + 2u;
const LOADS: u32 = (SPAN * TILE_H + SUBGROUP - 1u) / SUBGROUP;

/// Channels 4·quad…4·quad+3 of the pixel whose first channel is element `base`, zero past the last channel.
fn load_quad(base: u32, quad: u32) -> vec4<f32> {
//#if VEC_I
  return vec4<f32>(x[base / 4u + quad]);
//#else
  var v = vec4<f32>();
  for (var i = 0u; i < 4u; i++) {
    let channel = quad * 4u + i;
    if (channel < p.channels) { v[i] = f32(x[base + channel]); }
  }
  return v;
//#endif
}

/// Adds the products of one kernel row of one channel to 8 neighbouring pixels, whose input begins at entry e0. An array of
/// accumulators a row: arrays over 256 bytes a lane would be left in memory.
fn add_row(acc: ptr<function, array<Cols, TILE_W>>, v: ptr<function, array<f32, LOADS>>, e0: u32, w0: Cols, w1: Cols, w2: Cols) {
  for (var i = 0u; i < TILE_W; i++) {
    let e = e0 + i;
    let a0 = Cols(subgroupShuffle(v[e / SUBGROUP], e % SUBGROUP));
    let a1 = Cols(subgroupShuffle(v[(e + 1u) / SUBGROUP], (e + 1u) % SUBGROUP));
    let a2 = Cols(subgroupShuffle(v[(e + 2u) / SUBGROUP], (e + 2u) % SUBGROUP));
    acc[i] = fma(a2, w2, fma(a1, w1, fma(a0, w0, acc[i])));
  }
}

@compute @workgroup_size(SUBGROUP)
fn main(
  @builtin(workgroup_id) wg: vec3<u32>,
  @builtin(num_workgroups) groups: vec3<u32>,
  @builtin(subgroup_invocation_id) lane: u32,
) {
  let ldw = weight_stride(p.out_channels);
  let tiles_o = (p.out_channels + SUBGROUP * COLS - 1u) / (SUBGROUP * COLS);
  let tiles_x = (p.out_width + TILE_W - 1u) / TILE_W;
  let tiles_y = (p.out_height + TILE_H - 1u) / TILE_H;
  let tile = wg.x + wg.y * groups.x;
  let o = tile % tiles_o * SUBGROUP + lane;
  let x0 = tile / tiles_o % tiles_x * TILE_W;
  let y0 = tile / (tiles_o * tiles_x) % tiles_y * TILE_H;
  let image = tile / (tiles_o * tiles_x * tiles_y);
  if (image >= p.batch) { return; }

  // Which input pixel this lane loads: entry j·SUBGROUP + lane of the tile's four spans of ten.
  var px: array<i32, LOADS>;
  var py: array<i32, LOADS>;
  for (var j = 0u; j < LOADS; j++) {
    let entry = j * SUBGROUP + lane;
    px[j] = i32(x0 + entry % SPAN) - i32(p.pad);
    py[j] = i32(y0 + entry / SPAN) - i32(p.pad);
  }
  var acc0: array<Cols, TILE_W>;
  var acc1: array<Cols, TILE_W>;
  var acc2: array<Cols, TILE_W>;
  var acc3: array<Cols, TILE_W>;
  for (var ky = 0u; ky < 3u; ky++) {
    var base: array<u32, LOADS>;
    var inside: array<bool, LOADS>;
    for (var j = 0u; j < LOADS; j++) {
      let iy = py[j] + i32(ky);
      let ok = px[j] >= 0 && iy >= 0 && px[j] < i32(p.width << p.upsample) && iy < i32(p.height << p.upsample);
      let at = (image * p.height + (u32(iy) >> p.upsample)) * p.width + (u32(px[j]) >> p.upsample);
      base[j] = select(0u, at * p.channels, ok);
      inside[j] = ok;
    }
    for (var quad = 0u; quad * 4u < p.channels; quad++) {
      var quads: array<vec4<f32>, LOADS>;
      for (var j = 0u; j < LOADS; j++) { quads[j] = select(vec4<f32>(), load_quad(base[j], quad), inside[j]); }
      let channels = min(4u, p.channels - quad * 4u);
      for (var c = 0u; c < channels; c++) {
        var v: array<f32, LOADS>;
        for (var j = 0u; j < LOADS; j++) { v[j] = quads[j][c]; }
        let row = ky * 3u * p.channels + quad * 4u + c;
        let w0 = weight_cols(row * ldw, o);
        let w1 = weight_cols((row + p.channels) * ldw, o);
        let w2 = weight_cols((row + 2u * p.channels) * ldw, o);
        add_row(&acc0, &v, 0u * SPAN, w0, w1, w2);
        add_row(&acc1, &v, 1u * SPAN, w0, w1, w2);
        add_row(&acc2, &v, 2u * SPAN, w0, w1, w2);
        add_row(&acc3, &v, 3u * SPAN, w0, w1, w2);
      }
    }
  }

  if (o * COLS >= p.out_channels) { return; }
  let extra = extra_of(image, o);
  // A loop of unknown length: one copy of the epilogue's code instead of 32. It indexes a copy, so that acc stays in registers.
  var sums: array<Cols, TILE_W * TILE_H>;
  for (var i = 0u; i < TILE_W; i++) {
    sums[i] = acc0[i];
    sums[i + TILE_W] = acc1[i];
    sums[i + 2u * TILE_W] = acc2[i];
    sums[i + 3u * TILE_W] = acc3[i];
  }
  let last = min(TILE_H, p.out_height - y0) * TILE_W;
  for (var i = 0u; i < last; i++) {
    let ox = x0 + i % TILE_W;
    if (ox < p.out_width) {
      store((image * p.out_height + y0 + i / TILE_W) * p.out_width + ox, o, sums[i], extra);
    }
  }
}

// 3×3 convolution, stride 1, for CPU drivers: one subgroup a workgroup, no barrier. Layout and epilogue: conv/conv2d-common.
// A subgroup computes 8×4 output pixels × SUBGROUP·COLS channels; a lane owns COLS channels of all 32 pixels, in registers.
// Input is read as vec4 along channels, a pixel a lane (each of the four rows of 8 pixels with its halo of 2), and handed round
// with subgroupShuffle; each value serves the three taps of a kernel row. There, a load costs as much as 16 to 20 fused
// multiply-adds (lanes are loaded one by one, bounds checked), hence the large tile; and the loop over the four channels must
// stay a loop: unrolled, its live values spill.
// ENLARGED: x is read as its nearest 2× enlargement. Output pixels of one parity of row and column (py, px) see but two rows and
// columns of x, so the tile is one of the 2×2 convolutions of x whose weights are sums of the 3×3 ones (conv/parity-weights-cpu), 4/9
// of the products.
// Every sum runs over (ky, channel, kx) in f32 with fma: error ≤ 9·I·2⁻²⁴·Σ|x·w|. Any size; COLS must divide O.
enable subgroups;
//#const SUBGROUP u32
//#import conv/conv2d-common
//#import matmul/weight-columns
//#import conv/store-cpu

//#if ENLARGED
const TAPS: u32 = 2u;
const PARITIES: u32 = 2u;
//#else
const TAPS: u32 = 3u;
const PARITIES: u32 = 1u;
//#endif
const TILE_W: u32 = 8u;
const TILE_H: u32 = 4u;
const SPAN: u32 = TILE_W + TAPS - 1u;
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
fn add_row(acc: ptr<function, array<Cols, TILE_W>>, v: ptr<function, array<f32, LOADS>>, e0: u32, taps: array<Cols, TAPS>) {
  for (var i = 0u; i < TILE_W; i++) {
    var sum = acc[i];
    for (var t = 0u; t < TAPS; t++) {
      let e = e0 + i + t;
      sum = fma(Cols(subgroupShuffle(v[e / SUBGROUP], e % SUBGROUP)), taps[t], sum);
    }
    acc[i] = sum;
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
  // Tiles of the output pixels of one parity; without ENLARGED of all.
  let width = p.out_width / PARITIES;
  let height = p.out_height / PARITIES;
  let tiles_x = (width + TILE_W - 1u) / TILE_W;
  let tiles_y = (height + TILE_H - 1u) / TILE_H;
  var tile = wg.x + wg.y * groups.x;
  let o = tile % tiles_o * SUBGROUP + lane;
  tile /= tiles_o;
  let x0 = tile % tiles_x * TILE_W;
  tile /= tiles_x;
  let y0 = tile % tiles_y * TILE_H;
  tile /= tiles_y;
  let parity = tile % (PARITIES * PARITIES);
  let image = tile / (PARITIES * PARITIES);
  if (image >= p.batch) { return; }
  let odd_x = parity % PARITIES;
  let odd_y = parity / PARITIES;

  // Which input pixel this lane loads: entry j·SUBGROUP + lane of the tile's four spans.
  var px: array<i32, LOADS>;
  var py: array<i32, LOADS>;
  for (var j = 0u; j < LOADS; j++) {
    let entry = j * SUBGROUP + lane;
    px[j] = i32(x0 + entry % SPAN + odd_x) - i32(p.pad);
    py[j] = i32(y0 + entry / SPAN + odd_y) - i32(p.pad);
  }
  var acc0: array<Cols, TILE_W>;
  var acc1: array<Cols, TILE_W>;
  var acc2: array<Cols, TILE_W>;
  var acc3: array<Cols, TILE_W>;
  for (var ky = 0u; ky < TAPS; ky++) {
    var base: array<u32, LOADS>;
    var inside: array<bool, LOADS>;
    for (var j = 0u; j < LOADS; j++) {
      let iy = py[j] + i32(ky);
      let ok = px[j] >= 0 && iy >= 0 && px[j] < i32(p.width) && iy < i32(p.height);
      base[j] = select(0u, ((image * p.height + u32(iy)) * p.width + u32(px[j])) * p.channels, ok);
      inside[j] = ok;
    }
    for (var quad = 0u; quad * 4u < p.channels; quad++) {
      var quads: array<vec4<f32>, LOADS>;
      for (var j = 0u; j < LOADS; j++) { quads[j] = select(vec4<f32>(), load_quad(base[j], quad), inside[j]); }
      let channels = min(4u, p.channels - quad * 4u);
      for (var c = 0u; c < channels; c++) {
        var v: array<f32, LOADS>;
        for (var j = 0u; j < LOADS; j++) { v[j] = quads[j][c]; }
        let row = (parity * TAPS + ky) * TAPS * p.channels + quad * 4u + c;
        var taps: array<Cols, TAPS>;
        for (var t = 0u; t < TAPS; t++) { taps[t] = weight_cols((row + t * p.channels) * ldw, o); }
        add_row(&acc0, &v, 0u * SPAN, taps);
        add_row(&acc1, &v, 1u * SPAN, taps);
        add_row(&acc2, &v, 2u * SPAN, taps);
        add_row(&acc3, &v, 3u * SPAN, taps);
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
  let last = min(TILE_H, height - y0) * TILE_W;
  for (var i = 0u; i < last; i++) {
    let ox = x0 + i % TILE_W;
    if (ox < width) {
      let row = image * p.out_height + (y0 + i / TILE_W) * PARITIES + odd_y;
      store(row * p.out_width + ox * PARITIES + odd_x, o, sums[i], extra);
    }
  }
}

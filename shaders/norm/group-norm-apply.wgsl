// Third of three kernels: out = act((x − pivot) · factor + offset) with the map of group-norm-combine. WGSL core only.
// Layout: x and out [B, positions, channels] as Val; map f32 [B, 3, channels]: pivot, factor, offset. An invocation keeps
// the map of its Val and walks over its strip. Relative L2 error ≤ 1e-6 for f32 storage. Grid: (workgroups, 1 or more, B).
//#import common/types
//#import norm/strip
//#import norm/finish
@group(0) @binding(0) var<storage, read_write> x: array<Stored>;
@group(0) @binding(1) var<storage, read_write> map: array<Val>;
@group(0) @binding(2) var<storage, read_write> out: array<Stored>;

@compute @workgroup_size(LANES)
fn main(@builtin(workgroup_id) wg: vec3<u32>, @builtin(num_workgroups) grid: vec3<u32>,
        @builtin(local_invocation_index) lane: u32) {
  let index = (wg.x + wg.y * grid.x) * LANES + lane;
  let strip = index / p.channels;
  if (strip >= p.strips) { return; }
  let c = index % p.channels;
  let entry = wg.z * 3u * p.channels + c;
  let pivot = map[entry];
  let factor = map[entry + p.channels];
  let offset = map[entry + 2u * p.channels];
  let count = strip_count(strip);
  let start = (wg.z * p.positions + strip_start(strip)) * p.channels + c;
  let step = p.spread * p.channels;
  for (var i = 0u; i < count; i += BLOCK) {
    var v: array<Val, BLOCK>;
//#unroll j BLOCK
    v[j] = Val(x[start + min(i + j, count - 1u) * step]);
//#endunroll
//#unroll j BLOCK
    if (i + j < count) {
      out[start + (i + j) * step] = Stored(activate_val((v[j] - pivot) * factor + offset, p.flags >> 8u));
    }
//#endunroll
  }
}

// Adds up the slices of a product, eight columns an invocation (matmul/matrix-parts), in ascending order, in f32.
// The including file supplies sizes() -> (M, N), parts_of() -> Parts and finish(m, n, first four sums, last four).
//#import matmul/matrix-parts

@compute @workgroup_size(64)
fn main(
  @builtin(workgroup_id) wg: vec3<u32>,
  @builtin(num_workgroups) groups: vec3<u32>,
  @builtin(local_invocation_index) lid: u32,
) {
  let size = sizes();
  let o = parts_of();
  let item = (wg.x + wg.y * groups.x) * 64u + lid;
  let eights = (size.y + 7u) / 8u;
  let m = item / eights;
  let n = item % eights * 8u;
  if (m >= size.x) { return; }
  var lo = vec4<f32>();
  var hi = vec4<f32>();
  for (var slice = 0u; slice < o.slices; slice++) {
    let at = part_of(m, n, slice, o);
    lo += parts[at];
    hi += parts[at + 1u];
  }
  finish(m, n, lo, hi);
}

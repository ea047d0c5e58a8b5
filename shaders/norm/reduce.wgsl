// Sums over lanes by subgroups: ROWS sums a workgroup, each over the ROW_LANES lanes that share it.
// Assumes subgroups of SUBGROUP invocations or more whose size divides ROW_LANES, filled in the order of local_invocation_index.
// The order of a sum depends on these numbers only.
enable subgroups;
//#const SUBGROUP u32
//#const ROW_LANES u32
//#const ROWS u32
var<workgroup> parts: array<vec2<f32>, ROWS * ROW_LANES / SUBGROUP>;

/// Two sums at once of what the lanes of a row give; every lane gets them. `index` is local_invocation_index, `size` subgroup_size;
/// all lanes must call.
fn sum_row(value: vec2<f32>, index: u32, size: u32) -> vec2<f32> {
  let own = subgroupAdd(value);
  if (ROW_LANES == SUBGROUP) { return own; }
  let lane = index % size;
  let count = ROW_LANES / size;
  // Some may still be reading the sums before.
  workgroupBarrier();
  if (lane == 0u) { parts[index / size] = own; }
  workgroupBarrier();
  var sum = vec2<f32>();
  for (var i = lane; i < count; i += size) { sum += parts[index / ROW_LANES * count + i]; }
  return subgroupAdd(sum);
}

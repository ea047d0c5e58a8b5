// Sums over lanes by subgroups: ROWS sums a workgroup, each over the PARTS·SUBGROUP lanes that share it.
// Assumes subgroups of exactly SUBGROUP invocations, filled in the order of local_invocation_index. The order of a sum depends on
// these numbers only.
enable subgroups;
//#const SUBGROUP u32
//#const PARTS u32
//#const ROWS u32
const ROW_LANES: u32 = PARTS * SUBGROUP;
var<workgroup> parts: array<vec2<f32>, ROWS * PARTS>;

/// Two sums at once of what the lanes of a row give; every lane gets them. `index` is local_invocation_index; all lanes must call.
fn sum_row(value: vec2<f32>, index: u32) -> vec2<f32> {
  let own = subgroupAdd(value);
  if (PARTS == 1u) { return own; }
  let lane = index % SUBGROUP;
  // Some may still be reading the sums before.
  workgroupBarrier();
  if (lane == 0u) { parts[index / SUBGROUP] = own; }
  workgroupBarrier();
  var sum = vec2<f32>();
  for (var i = lane; i < PARTS; i += SUBGROUP) { sum += parts[index / ROW_LANES * PARTS + i]; }
  return subgroupAdd(sum);
}

// Peak of the matrix units ("tensor cores"): multiply-accumulates of MAT_M×MAT_N×MAT_K matrices that stay in registers, one
// store at the end. A subgroup keeps CHAINS independent sums, each with a left operand of its own and a shared right one, and
// does rounds · STEPS · CHAINS of them, 2 · MAT_M · MAT_N · MAT_K operations each. One subgroup a workgroup of LANES invocations.
// Operands are F32, F16 or I8; sums are SUM_F32, SUM_F16 or SUM_I32. Values are small: sums of floats stay finite for 2^15 steps.
// RELOAD (CPU drivers): the right operand is read anew in each step, lest a compiler that sees through the matrices keeps the
// products and only adds them.
enable f16;
enable subgroups;
enable chromium_experimental_subgroup_matrix;
requires immediate_address_space;
//#const STEPS u32
//#const CHAINS u32
//#const LANES u32
//#const MAT_M u32
//#const MAT_N u32
//#const MAT_K u32
//#if F16
alias Left = subgroup_matrix_left<f16, MAT_K, MAT_M>;
alias Right = subgroup_matrix_right<f16, MAT_N, MAT_K>;
alias Element = f16;
const PACKED = 1u;
//#endif
//#if F32
alias Left = subgroup_matrix_left<f32, MAT_K, MAT_M>;
alias Right = subgroup_matrix_right<f32, MAT_N, MAT_K>;
alias Element = f32;
const PACKED = 1u;
//#endif
//#if I8
// Four to a word of memory.
alias Left = subgroup_matrix_left<i8, MAT_K, MAT_M>;
alias Right = subgroup_matrix_right<i8, MAT_N, MAT_K>;
alias Element = i32;
const PACKED = 4u;
//#endif
//#if SUM_F32
alias Sum = f32;
//#endif
//#if SUM_F16
alias Sum = f16;
//#endif
//#if SUM_I32
alias Sum = i32;
//#endif
alias Sums = subgroup_matrix_result<Sum, MAT_N, MAT_M>;
const LEFT: u32 = MAT_M * MAT_K / PACKED;
const RIGHT: u32 = MAT_K * MAT_N / PACKED;
// Right operands that steps take turns with.
const RIGHTS: u32 = 4u;

struct Params {
  rounds: u32,
}
var<immediate> p: Params;

var<workgroup> operands: array<Element, max(CHAINS * LEFT, RIGHTS * RIGHT)>;
@group(0) @binding(0) var<storage, read_write> result: array<Sum>;

@compute @workgroup_size(LANES)
fn main(@builtin(workgroup_id) id: vec3u, @builtin(local_invocation_index) lane: u32) {
  for (var i = lane; i < max(CHAINS * LEFT, RIGHTS * RIGHT); i += LANES) {
//#if I8
    operands[i] = i32(i * 0x01030507u);
//#else
    operands[i] = Element(f32(i % 61u) / 61.0 - 0.5);
//#endif
  }
  workgroupBarrier();
  var lefts: array<Left, CHAINS>;
  var sums: array<Sums, CHAINS>;
//#unroll i CHAINS
  lefts[i] = subgroupMatrixLoad<Left, row_major>(&operands, i * LEFT, MAT_K / PACKED);
//#endunroll
  var right = subgroupMatrixLoad<Right, row_major>(&operands, 0u, MAT_N / PACKED);
  for (var round = 0u; round < p.rounds; round++) {
//#unroll s STEPS
//#if RELOAD
    right = subgroupMatrixLoad<Right, row_major>(&operands, ((round + s) % RIGHTS) * RIGHT, MAT_N / PACKED);
//#endif
//#unroll i CHAINS
    sums[i] = subgroupMatrixMultiplyAccumulate(lefts[i], right, sums[i]);
//#endunroll
//#endunroll
  }
//#unroll i CHAINS
  subgroupMatrixStore<row_major>(&result, (id.x * CHAINS + i) * MAT_M * MAT_N, sums[i], MAT_N);
//#endunroll
}

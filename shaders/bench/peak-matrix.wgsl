// Peak of the matrix units ("tensor cores"): multiply-accumulates of MAT_M×MAT_N×MAT_K matrices that stay in registers, one
// store at the end. A subgroup keeps CHAINS independent sums, each with a left operand of its own and a shared right one, and
// does rounds · STEPS · CHAINS of them, 2 · MAT_M · MAT_N · MAT_K operations each. One subgroup a workgroup of LANES invocations.
// Operands are F32, F16 or (neither) I8; sums are SUM_F32, SUM_F16 or (neither) i32. Floats shrink towards zero sums: the right
// operand holds p.right, small enough that sums stay finite.
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
//#endif
//#if F32
alias Left = subgroup_matrix_left<f32, MAT_K, MAT_M>;
alias Right = subgroup_matrix_right<f32, MAT_N, MAT_K>;
alias Element = f32;
//#endif
//#if I8
alias Left = subgroup_matrix_left<i8, MAT_K, MAT_M>;
alias Right = subgroup_matrix_right<i8, MAT_N, MAT_K>;
alias Element = i32;
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

struct Params {
  rounds: u32,
  right: f32,
}
var<immediate> p: Params;

@group(0) @binding(0) var<storage, read_write> result: array<Sum>;

@compute @workgroup_size(LANES)
fn main(@builtin(workgroup_id) id: vec3u) {
  let right = Right(Element(p.right));
  var lefts: array<Left, CHAINS>;
  var sums: array<Sums, CHAINS>;
//#unroll i CHAINS
  lefts[i] = Left(Element(p.right) * Element(i + 1u));
//#endunroll
  for (var round = 0u; round < p.rounds; round++) {
//#unroll s STEPS
//#unroll i CHAINS
    sums[i] = subgroupMatrixMultiplyAccumulate(lefts[i], right, sums[i]);
//#endunroll
//#endunroll
  }
//#unroll i CHAINS
  subgroupMatrixStore<row_major>(&result, (id.x * CHAINS + i) * MAT_M * MAT_N, sums[i], MAT_N);
//#endunroll
}

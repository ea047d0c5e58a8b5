// out[M, N] = act(x[M, K] · w[K, LDW] + bias) + residual for few rows, where reading w once at full bandwidth is all that counts.
// Layout and epilogue: matmul/linear-common. A workgroup computes ROWS rows × SPAN·COLS columns; K is spread over all of its
// lanes: SPAN neighbouring lanes read neighbouring columns of a row of w, the other lanes other rows, four rows a lane and round,
// so that many loads are under way at once. Partial sums meet by subgroupShuffleXor, then in workgroup memory in fixed order.
// COLS = 4·QUADS is 4; with WIDE 8, in words of two f16 or four int8. LDW is a multiple of COLS.
// Assumes subgroups of SUBGROUP invocations or more whose size divides WORKGROUP, filled in the order of local_invocation_index;
// SPAN a power of 2 up to SUBGROUP. f32 products and sums, in partial sums: error below K·2⁻²⁴·Σ|x·w|.
enable subgroups;
//#const SUBGROUP u32
//#const SPAN u32
//#const WORKGROUP u32
//#const ROWS u32
//#import matmul/linear-common
//#if WIDE
//#if Q8
alias WeightElem = vec2<u32>;
//#else
alias WeightElem = vec4<u32>;
//#endif
//#else
//#if Q8
alias WeightElem = u32;
//#else
alias WeightElem = Elem4;
//#endif
//#endif

//#const QUADS u32
const COLS: u32 = 4u * QUADS;
const SUBGROUPS: u32 = WORKGROUP / SUBGROUP;  // at most
const K_LANES: u32 = WORKGROUP / SPAN;
const RESULTS: u32 = ROWS * SPAN * QUADS;  // vec4s of results of a workgroup

var<workgroup> partial: array<array<vec4<f32>, RESULTS>, SUBGROUPS>;

/// x[row, 4·quad…4·quad+3], zero past K.
fn load_x(row: u32, quad: u32) -> vec4<f32> {
//#if VEC_K
  return vec4<f32>(x[(row * p.k) / 4u + quad]);
//#else
  var v = vec4<f32>();
  for (var i = 0u; i < min(4u, p.k - 4u * quad); i++) { v[i] = f32(x[row * p.k + 4u * quad + i]); }
  return v;
//#endif
}

/// COLS columns of w from element COLS·at on; of int8 weights without their scales.
fn load_w(at: u32) -> array<vec4<f32>, QUADS> {
  let v = w[at];
//#if WIDE
//#if Q8
  return array<vec4<f32>, QUADS>(vec4<f32>(unpack4xI8(v.x)), vec4<f32>(unpack4xI8(v.y)));
//#else
  return array<vec4<f32>, QUADS>(vec4<f32>(bitcast<vec4<f16>>(v.xy)), vec4<f32>(bitcast<vec4<f16>>(v.zw)));
//#endif
//#else
//#if Q8
  return array<vec4<f32>, QUADS>(vec4<f32>(unpack4xI8(v)));
//#else
  return array<vec4<f32>, QUADS>(vec4<f32>(v));
//#endif
//#endif
}

@compute @workgroup_size(WORKGROUP)
fn main(
  @builtin(workgroup_id) wg: vec3<u32>,
  @builtin(num_workgroups) groups: vec3<u32>,
  @builtin(local_invocation_index) lid: u32,
  @builtin(subgroup_size) size: u32,
) {
  let blocks = (p.m + ROWS - 1u) / ROWS;
  let ldw = (p.n + 3u) / 4u * 4u / COLS;
  let tile = wg.x + wg.y * groups.x;
  // Blocks of rows follow one another: the second finds its weights in the cache.
  let m0 = tile % blocks * ROWS;
  let first = tile / blocks * SPAN;
  if (first >= ldw) { return; }
  // Columns past the end repeat the last ones, rows the last one; they are not written.
  let column = min(first + lid % SPAN, ldw - 1u);

  var acc: array<array<vec4<f32>, QUADS>, ROWS>;
  for (var quad = lid / SPAN; 4u * quad < p.k; quad += K_LANES) {
    var wk: array<array<vec4<f32>, QUADS>, 4>;
//#unroll i 4
    // Past the last k x is zero; the last row of w stands in there.
    wk[i] = load_w(min(4u * quad + i, p.k - 1u) * ldw + column);
//#endunroll
//#unroll r ROWS
    let a = load_x(min(m0 + r, p.m - 1u), quad);
//#unroll j QUADS
    acc[r][j] = fma(vec4<f32>(a.w), wk[3][j], fma(vec4<f32>(a.z), wk[2][j],
      fma(vec4<f32>(a.y), wk[1][j], fma(vec4<f32>(a.x), wk[0][j], acc[r][j]))));
//#endunroll
//#endunroll
  }

  for (var distance = SPAN; distance < size; distance *= 2u) {
//#unroll r ROWS
//#unroll j QUADS
    acc[r][j] += subgroupShuffleXor(acc[r][j], distance);
//#endunroll
//#endunroll
  }
  if (lid % size < SPAN) {
//#unroll r ROWS
//#unroll j QUADS
    partial[lid / size][(r * SPAN + lid % SPAN) * QUADS + j] = acc[r][j];
//#endunroll
//#endunroll
  }
  workgroupBarrier();
  for (var i = lid; i < RESULTS; i += WORKGROUP) {
    var sum = vec4<f32>();
    for (var s = 0u; s < WORKGROUP / size; s++) { sum += partial[s][i]; }
    let m = m0 + i / (SPAN * QUADS);
    let n = first * COLS + i % (SPAN * QUADS) * 4u;
    if (m < p.m && n < p.n) { store(m, n, sum); }
  }
}

// Parameters, operands and epilogue of the GPU kernels of linear: out[M, N] = act(x[M, K] · w[K, LDW] + bias) + residual.
// w is padded with zeros to LDW = N rounded up to 4 columns, bias likewise; rows of x, residual and out are exactly K or N wide.
// VEC_K: K is a multiple of 4 (x read as vec4). VEC_N: N is a multiple of 4 (residual and out as vec4).
// Q8: w is int8, four columns a word, with an f32 scale for each column. The including file names WeightElem, what it reads of w.
requires immediate_address_space;
//#import common/types
//#import matmul/epilogue
struct Params { m: u32, k: u32, n: u32, flags: u32 }
var<immediate> p: Params;
//#if VEC_K
@group(0) @binding(0) var<storage, read_write> x: array<Elem4>;
//#else
@group(0) @binding(0) var<storage, read_write> x: array<Elem>;
//#endif
@group(0) @binding(1) var<storage, read> w: array<WeightElem>;
@group(0) @binding(2) var<storage, read> bias: array<vec4<f32>>;
//#if VEC_N
@group(0) @binding(3) var<storage, read_write> residual: array<Elem4>;
@group(0) @binding(4) var<storage, read_write> out: array<Elem4>;
//#else
@group(0) @binding(3) var<storage, read_write> residual: array<Elem>;
@group(0) @binding(4) var<storage, read_write> out: array<Elem>;
//#endif
//#if Q8
@group(0) @binding(5) var<storage, read> scales: array<vec4<f32>>;
//#endif

/// Finishes columns n…n+3 of row m and writes them.
fn store(m: u32, n: u32, sum: vec4<f32>) {
  var v = sum;
//#if Q8
  v *= scales[n / 4u];
//#endif
  if ((p.flags & HAS_BIAS) != 0u) { v += bias[n / 4u]; }
  v = activate4(v, p.flags >> 8u);
//#if VEC_N
  let i = (m * p.n + n) / 4u;
  if ((p.flags & HAS_RESIDUAL) != 0u) { v += vec4<f32>(residual[i]); }
  out[i] = Elem4(v);
//#else
  let i = m * p.n + n;
  for (var j = 0u; j < min(4u, p.n - n); j++) {
    var s = v[j];
    if ((p.flags & HAS_RESIDUAL) != 0u) { s += f32(residual[i + j]); }
    out[i + j] = Elem(s);
  }
//#endif
}

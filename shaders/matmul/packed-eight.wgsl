// Rows of packed weights w[K, LDW], LDW = the columns rounded up to 4, read eight columns at a time, as halves. VEC_N: the columns
// are a multiple of 8, and a row a whole number of eights. The including file binds w: array<WeightElem>.
// Q8: int8, four columns a word, the first in its low byte; the columns' scales follow the sums (int8 is exact in f16).
//#if Q8
//#if VEC_N
alias WeightElem = vec2<u32>;
//#else
alias WeightElem = u32;
//#endif
//#else
//#if VEC_N
alias WeightElem = vec4<u32>;
//#else
alias WeightElem = vec2<u32>;
//#endif
//#endif

//#if Q8
/// Four int8 as halves. Next to a multiplication on matrix units a conversion of each would take as long; here byte + 128 becomes
/// the last bits of a half from 1024 on, whose step is 1, and 1152 is taken away from two of them at a time.
fn widened(four: u32) -> vec2<u32> {
  let bytes = vec2<u32>((four & 0xffu) | ((four & 0xff00u) << 8u), ((four >> 16u) & 0xffu) | ((four >> 8u) & 0xff0000u));
  let halves = bitcast<vec4<f16>>((bytes ^ vec2<u32>(0x00800080u)) | vec2<u32>(0x64006400u)) - vec4<f16>(1152.0h);
  return bitcast<vec2<u32>>(halves);
}
//#else
//#if VEC_N
//#else
fn widened(four: vec2<u32>) -> vec2<u32> { return four; }
//#endif
//#endif

/// w[k, n…n+7], n a multiple of 8 below `columns`; zero past LDW.
fn packed_eight(k: u32, n: u32, columns: u32) -> vec4<u32> {
//#if VEC_N
  let eight = w[(k * columns + n) / 8u];
//#if Q8
  return vec4<u32>(widened(eight.x), widened(eight.y));
//#else
  return eight;
//#endif
//#else
  let quads = (columns + 3u) / 4u;
  let at = k * quads + n / 4u;
  if (n / 4u + 1u == quads) { return vec4<u32>(widened(w[at]), 0u, 0u); }
  return vec4<u32>(widened(w[at]), widened(w[at + 1u]));
//#endif
}

// Rows of packed f16 weights w[K, LDW], LDW = the columns rounded up to 4, read eight columns at a time. VEC_N: the columns are a
// multiple of 8, and a row a whole number of eights. The including file binds w: array<WeightElem>.
//#if VEC_N
alias WeightElem = vec4<u32>;
//#else
alias WeightElem = vec2<u32>;
//#endif

/// w[k, n…n+7], n a multiple of 8 below `columns`; zero past LDW.
fn packed_eight(k: u32, n: u32, columns: u32) -> vec4<u32> {
//#if VEC_N
  return w[(k * columns + n) / 8u];
//#else
  let quads = (columns + 3u) / 4u;
  let at = k * quads + n / 4u;
  if (n / 4u + 1u == quads) { return vec4<u32>(w[at], 0u, 0u); }
  return vec4<u32>(w[at], w[at + 1u]);
//#endif
}

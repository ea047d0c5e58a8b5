// A workgroup's slice of K, and where its sums go (matmul/matrix-tile with SPLIT).
//#import matmul/matrix-parts

fn slice_of(number: u32, depth: u32, slice: u32) -> vec2<u32> {
  let first = min(number * slice, depth);
  return vec2<u32>(first, min(first + slice, depth));
}

fn store_part(m: u32, n: u32, lo: vec4<f32>, hi: vec4<f32>, o: Parts) {
  let at = part_of(m, n, layer, o);
  parts[at] = lo;
  parts[at + 1u] = hi;
}

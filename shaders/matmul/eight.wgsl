// Eight neighbouring halves as one 16-byte element, the unit in which the matrix kernels read and write.
enable f16;
//#import matmul/epilogue

fn pack_eight(lo: vec4<f32>, hi: vec4<f32>) -> vec4<u32> {
  return vec4<u32>(bitcast<vec2<u32>>(vec4<f16>(lo)), bitcast<vec2<u32>>(vec4<f16>(hi)));
}

fn low_four(v: vec4<u32>) -> vec4<f32> { return vec4<f32>(bitcast<vec4<f16>>(v.xy)); }

fn high_four(v: vec4<u32>) -> vec4<f32> { return vec4<f32>(bitcast<vec4<f16>>(v.zw)); }

/// Entry 0…7 of two vectors.
fn of_eight(lo: vec4<f32>, hi: vec4<f32>, i: u32) -> f32 { return select(hi[i & 3u], lo[i & 3u], i < 4u); }

fn halves(v: array<f16, 8>) -> vec4<u32> {
  let lo = vec4<f16>(v[0], v[1], v[2], v[3]);
  let hi = vec4<f16>(v[4], v[5], v[6], v[7]);
  return vec4<u32>(bitcast<vec2<u32>>(lo), bitcast<vec2<u32>>(hi));
}

// Second kernel of conv/conv2d-matrix with SPLIT: adds up the slices of k and finishes them. Error: the slices' own, and
// one rounding per slice.
//#import conv/conv2d-finish
@group(0) @binding(PARTS) var<storage, read_write> parts: array<vec4<f32>>;
//#import matmul/matrix-sum

fn sizes() -> vec2<u32> { return vec2<u32>(p.batch * p.out_height * p.out_width, p.out_channels); }

fn parts_of() -> Parts { return Parts(p.out_height * p.out_width, p.out_channels, p.slices); }

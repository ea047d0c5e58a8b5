// Second kernel of matmul/linear-matrix with SPLIT: adds up the slices of K and finishes them. Error: the slices' own, and
// one rounding per slice.
//#import matmul/linear-finish
@group(0) @binding(PARTS) var<storage, read_write> parts: array<vec4<f32>>;
//#import matmul/matrix-sum

fn sizes() -> vec2<u32> { return vec2<u32>(p.m, p.n); }

fn parts_of() -> Parts { return Parts(p.rows, p.n, p.slices); }

// Weights of the tile kernels (matmul/tile-core): four neighbouring columns of a row of w, which the including file binds as
// array<WeightElem>, zero-padded to a multiple of 4 columns.
// Q8: int8, the four in a word, the first in its low byte; w ≈ int8 · scale of the column. The scale follows the sum: int8 is
// exact in f16 as in f32, and the scale costs nothing in the loop.
//#if Q8
alias WeightElem = u32;
fn weight_quad(v: WeightElem) -> Tile4 { return Tile4(unpack4xI8(v)); }
//#else
alias WeightElem = Elem4;
fn weight_quad(v: WeightElem) -> Tile4 { return Tile4(v); }
//#endif

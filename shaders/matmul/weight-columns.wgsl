// Weights of the one-subgroup kernels (matmul/columns): a lane's COLS columns of one row of w, which the including file binds as
// array<WeightElem>. Rows are LDW columns long, the number of outputs rounded up to 4.
// Q8: int8, four neighbouring columns of a row in a word, the first in its low byte; w ≈ int8 · scale of the column, and the
// scale follows the sum, so that it costs nothing in the loop. One word then is one load for four columns.
//#import matmul/columns
//#if Q8
alias WeightElem = u32;
//#else
//#if W_ARENA
alias WeightElem = Cols;
//#else
alias WeightElem = ElemCols;
//#endif
//#endif

/// WeightElems of a row.
fn weight_stride(outputs: u32) -> u32 {
//#if Q8
  return (outputs + 3u) / 4u;
//#else
  return (outputs + 3u) / 4u * 4u / COLS;
//#endif
}

/// Columns n·COLS… of the row that begins at element `row`, without their scales.
fn weight_cols(row: u32, n: u32) -> Cols {
//#if Q8
  let word = w[row + n * COLS / 4u];
//#if COLS4
  return vec4<f32>(unpack4xI8(word));
//#else
  let bytes = i32(word >> (n * COLS % 4u * 8u));
//#if COLS2
  return vec2<f32>(f32(extractBits(bytes, 0u, 8u)), f32(extractBits(bytes, 8u, 8u)));
//#else
  return f32(extractBits(bytes, 0u, 8u));
//#endif
//#endif
//#else
  return Cols(w[row + n]);
//#endif
}

// Epilogue of the convolution kernels of one subgroup: a lane finishes COLS channels of a pixel (matmul/columns).
alias BiasElem = Cols;
alias OutElem = ElemCols;

/// What is added to the sums of every pixel of an image, for channels o·COLS… of it: bias and image bias.
fn extra_of(image: u32, o: u32) -> Cols {
  var extra = Cols();
  if ((p.flags & HAS_BIAS) != 0u) { extra = bias[o]; }
  if ((p.flags & HAS_IMAGE_BIAS) != 0u) {
    let at = image * p.image_stride + o * COLS;
//#if COLS4
    extra += Cols(f32(image_bias[at]), f32(image_bias[at + 1u]), f32(image_bias[at + 2u]), f32(image_bias[at + 3u]));
//#else
//#if COLS2
    extra += Cols(f32(image_bias[at]), f32(image_bias[at + 1u]));
//#else
    extra += Cols(image_bias[at]);
//#endif
//#endif
  }
  return extra;
}

/// Finishes channels o·COLS… of pixel m (counted over the batch) and writes them.
fn store(m: u32, o: u32, sum: Cols, extra: Cols) {
//#if Q8
  var v = activate_cols(sum * scales[o] + extra, p.flags >> 8u);
//#else
  var v = activate_cols(sum + extra, p.flags >> 8u);
//#endif
  if ((p.flags & HAS_RESIDUAL) != 0u) { v += Cols(residual[residual_base(m) / COLS + o]); }
  out[m * p.out_channels / COLS + o] = ElemCols(v);
}

// Operands and epilogue of the convolution kernels; sizes and pixels of the residual: conv/conv2d-params.
// x[B, H, W, I] · w[kernel, kernel, I, LDW] → out[B, OH, OW, O]; LDW = O rounded up to 4, zero-padded, bias likewise.
// With upsample 1 (a shift) x is read as its nearest 2× enlargement; residual_up 1: residual is [B, OH/2, OW/2, O].
// Q8: w is int8, four columns a word, with an f32 scale for each output channel.
// W_ARENA: w is a temporary in f32, made from the weights by a kernel before.
// imageBias[B, image_stride] is added to every pixel of an image. out = act(conv + bias + imageBias) + residual.
// VEC_I: I is a multiple of 4 (x read as vec4). The including file names the element types of the other operands
// (WeightElem, BiasElem, OutElem for residual and out) as its store needs them.
//#import common/types
//#import matmul/epilogue
//#import conv/conv2d-params
//#if VEC_I
@group(0) @binding(0) var<storage, read_write> x: array<Elem4>;
//#else
@group(0) @binding(0) var<storage, read_write> x: array<Elem>;
//#endif
//#if W_ARENA
@group(0) @binding(1) var<storage, read_write> w: array<WeightElem>;
//#else
@group(0) @binding(1) var<storage, read> w: array<WeightElem>;
//#endif
@group(0) @binding(2) var<storage, read> bias: array<BiasElem>;
@group(0) @binding(3) var<storage, read_write> image_bias: array<Elem>;
@group(0) @binding(4) var<storage, read_write> residual: array<OutElem>;
@group(0) @binding(5) var<storage, read_write> out: array<OutElem>;
//#if Q8
@group(0) @binding(6) var<storage, read> scales: array<BiasElem>;
//#endif

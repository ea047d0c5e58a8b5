// The operations of the networks in f64, written for plainness: what every kernel is tested against.
// Activations are channels last: images [B, H, W, C], sequences [B, L, C]. Weights keep PyTorch's layout.
// Sizes are checked by the caller; an absent optional operand is a null pointer.
#pragma once

#include <cstddef>

namespace unclip::reference {

/// y[M, N] = x[M, K] · w[N, K]ᵀ + bias[N].
void linear(const double* x, const double* w, const double* bias, std::size_t m, std::size_t n, std::size_t k, double* y);

struct ConvShape {
  std::size_t batch, height, width, inChannels, outChannels, kernelHeight, kernelWidth, stride, pad;
  /// 1, or 2: the input is enlarged by nearest neighbour first, as diffusers' upsamplers do.
  std::size_t upsample;
  std::size_t outHeight() const { return (height * upsample + 2 * pad - kernelHeight) / stride + 1; }
  std::size_t outWidth() const { return (width * upsample + 2 * pad - kernelWidth) / stride + 1; }
};

/// Cross-correlation with zero padding, torch.nn.Conv2d: x[B, H, W, I], w[O, I, kh, kw] → y[B, OH, OW, O].
void conv2d(const double* x, const double* w, const double* bias, const ConvShape& shape, double* y);

/// torch.nn.GroupNorm over x[B, L, C]: statistics over L and the channels of a group, biased variance.
void groupNorm(const double* x, const double* gamma, const double* beta, std::size_t batch, std::size_t length,
               std::size_t channels, std::size_t groups, double eps, double* y);

/// torch.nn.LayerNorm over the last dimension of x[rows, C].
void layerNorm(const double* x, const double* gamma, const double* beta, std::size_t rows, std::size_t channels, double eps,
               double* y);

struct AttentionShape {
  std::size_t batch, queries, keys, heads, headDim;
  double scale;
  /// Query i sees keys 0..i only.
  bool causal;
};

/// softmax(scale · q kᵀ + mask) v per head: q[B, Lq, heads*D], k and v [B, Lk, heads*D], mask [B, Lk] added to the scores.
void attention(const double* q, const double* k, const double* v, const double* mask, const AttentionShape& shape, double* y);

/// Softmax over the last dimension of x[rows, columns].
void softmax(const double* x, std::size_t rows, std::size_t columns, double* y);

/// x · sigmoid(x).
double silu(double x);
/// x · Φ(x), the exact form with erf.
double gelu(double x);
/// x · sigmoid(1.702 x), CLIP's approximation of GELU.
double quickGelu(double x);
/// max(x, 0).
double relu(double x);

/// torch.nn.functional.interpolate(mode='bicubic', antialias=True, align_corners=False): cubic a = -0.5 in both directions.
void bicubicAntialias(const double* x, std::size_t batch, std::size_t height, std::size_t width, std::size_t channels,
                      std::size_t outHeight, std::size_t outWidth, double* y);

/// Mean of 2×2 blocks, [B, H, W, C] → [B, H/2, W/2, C]; an odd last row or column is dropped.
void avgPool2x(const double* x, std::size_t batch, std::size_t height, std::size_t width, std::size_t channels, double* y);

/// Each pixel doubled in both directions, [B, H, W, C] → [B, 2H, 2W, C].
void nearest2x(const double* x, std::size_t batch, std::size_t height, std::size_t width, std::size_t channels, double* y);

/// Sinusoidal embedding [B, dim] of diffusers' get_timestep_embedding with flip_sin_to_cos and freq_shift 0: cosines first.
void timestepEmbedding(const double* t, std::size_t batch, std::size_t dim, double* y);

struct DiffusionStepShape {
  std::size_t batch, pixels, channels;
  /// channels, or twice as many where the model predicts a variance.
  std::size_t outChannels;
};

/// Guidance and one reverse step of a sampler; `params` holds 16 numbers an image (src/ts/diffusion/step-params.ts).
/// sample, noise and x0Prev [B, pixels, C], cond and uncond [B, pixels, outChannels]; uncond may be null where no image is
/// guided, noise where none is drawn, x0Prev (x0 of the step before) where none is read.
void diffusionStep(const double* sample, const double* cond, const double* uncond, const double* noise, const double* params,
                   const double* x0Prev, const DiffusionStepShape& shape, double* y);

/// Guidance, top-k and a Gumbel-max draw: y[B], the index of a category each. cond, uncond and noise [B, categories], uncond may
/// be null; settings [B, 4] = (guidance scale, temperature, top-k or 0 for all, unused). Of equals the smaller index.
void sampleCategorical(const double* cond, const double* uncond, const double* noise, const double* settings, std::size_t batch,
                       std::size_t categories, double* y);

}  // namespace unclip::reference

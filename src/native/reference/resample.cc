#include <algorithm>
#include <cmath>
#include <vector>

#include "../parallel.hpp"
#include "ops.hpp"

namespace unclip::reference {

namespace {

/// Keys' cubic convolution kernel with a = -0.5.
double cubic(double x) {
  constexpr double a = -0.5;
  x = std::fabs(x);
  if (x < 1) return ((a + 2) * x - (a + 3)) * x * x + 1;
  if (x < 2) return (((x - 5) * x + 8) * x - 4) * a;
  return 0;
}

/// Inputs [first, first + weights.size()) and their weights, which sum to 1, for one output position.
struct Taps {
  std::size_t first;
  std::vector<double> weights;
};

/// aten/src/ATen/native/cpu/UpSampleKernel.cpp, _compute_indices_weights_aa: half-pixel centres, the kernel widened when
/// the picture shrinks, windows cut at the border and normalised.
std::vector<Taps> tapsFor(std::size_t in, std::size_t out) {
  const double scale = static_cast<double>(in) / static_cast<double>(out);
  const double stretch = std::max(scale, 1.0);
  const double support = 2.0 * stretch;
  std::vector<Taps> all(out);
  for (std::size_t i = 0; i < out; ++i) {
    const double center = scale * (static_cast<double>(i) + 0.5);
    const auto first = static_cast<std::size_t>(std::max(center - support + 0.5, 0.0));
    const std::size_t last = std::min(static_cast<std::size_t>(center + support + 0.5), in);
    double sum = 0;
    Taps taps{first, std::vector<double>(last - first)};
    for (std::size_t j = 0; j < taps.weights.size(); ++j) {
      sum += taps.weights[j] = cubic((static_cast<double>(first + j) - center + 0.5) / stretch);
    }
    for (double& weight : taps.weights) weight /= sum;
    all[i] = std::move(taps);
  }
  return all;
}

/// Resamples the middle dimension of x[outer, taps, inner].
void resample(const double* x, std::size_t outer, std::size_t in, std::size_t inner, const std::vector<Taps>& taps, double* y) {
  parallelFor(outer, 1, [&](std::size_t begin, std::size_t end) {
    for (std::size_t o = begin; o < end; ++o) {
      for (std::size_t i = 0; i < taps.size(); ++i) {
        double* out = y + (o * taps.size() + i) * inner;
        std::fill(out, out + inner, 0.0);
        for (std::size_t j = 0; j < taps[i].weights.size(); ++j) {
          const double* line = x + (o * in + taps[i].first + j) * inner;
          for (std::size_t c = 0; c < inner; ++c) out[c] += taps[i].weights[j] * line[c];
        }
      }
    }
  });
}

}  // namespace

void bicubicAntialias(const double* x, std::size_t batch, std::size_t height, std::size_t width, std::size_t channels,
                      std::size_t outHeight, std::size_t outWidth, double* y) {
  std::vector<double> wide(batch * height * outWidth * channels);
  resample(x, batch * height, width, channels, tapsFor(width, outWidth), wide.data());
  resample(wide.data(), batch, height, outWidth * channels, tapsFor(height, outHeight), y);
}

void avgPool2x(const double* x, std::size_t batch, std::size_t height, std::size_t width, std::size_t channels, double* y) {
  const std::size_t outHeight = height / 2;
  const std::size_t outWidth = width / 2;
  const auto at = [&](std::size_t b, std::size_t row, std::size_t column) {
    return x + ((b * height + row) * width + column) * channels;
  };
  for (std::size_t line = 0; line < batch * outHeight; ++line) {
    const std::size_t b = line / outHeight;
    const std::size_t row = line % outHeight * 2;
    for (std::size_t column = 0; column < outWidth; ++column) {
      const double* a = at(b, row, column * 2);
      const double* below = at(b, row + 1, column * 2);
      double* out = y + (line * outWidth + column) * channels;
      for (std::size_t c = 0; c < channels; ++c) {
        out[c] = (a[c] + a[c + channels] + below[c] + below[c + channels]) / 4.0;
      }
    }
  }
}

void nearest2x(const double* x, std::size_t batch, std::size_t height, std::size_t width, std::size_t channels, double* y) {
  for (std::size_t line = 0; line < batch * height * 2; ++line) {
    const double* from = x + line / 2 * width * channels;
    double* to = y + line * width * 2 * channels;
    for (std::size_t column = 0; column < width * 2; ++column) {
      std::copy_n(from + column / 2 * channels, channels, to + column * channels);
    }
  }
}

}  // namespace unclip::reference

#include <cmath>

#include "../parallel.hpp"
#include "ops.hpp"

namespace unclip::reference {

void groupNorm(const double* x, const double* gamma, const double* beta, std::size_t batch, std::size_t length,
               std::size_t channels, std::size_t groups, double eps, double* y) {
  const std::size_t width = channels / groups;
  const double count = static_cast<double>(length * width);
  parallelFor(batch * groups, 1 + (1u << 14) / (length * width + 1), [&](std::size_t begin, std::size_t end) {
    for (std::size_t item = begin; item < end; ++item) {
      const std::size_t base = item / groups * length * channels + item % groups * width;
      double mean = 0;
      for (std::size_t l = 0; l < length; ++l) {
        for (std::size_t c = 0; c < width; ++c) mean += x[base + l * channels + c];
      }
      mean /= count;
      double variance = 0;
      for (std::size_t l = 0; l < length; ++l) {
        for (std::size_t c = 0; c < width; ++c) {
          const double d = x[base + l * channels + c] - mean;
          variance += d * d;
        }
      }
      const double inverse = 1.0 / std::sqrt(variance / count + eps);
      for (std::size_t l = 0; l < length; ++l) {
        for (std::size_t c = 0; c < width; ++c) {
          const std::size_t channel = item % groups * width + c;
          const double scale = gamma != nullptr ? gamma[channel] : 1.0;
          const double shift = beta != nullptr ? beta[channel] : 0.0;
          const std::size_t at = base + l * channels + c;
          y[at] = (x[at] - mean) * inverse * scale + shift;
        }
      }
    }
  });
}

void layerNorm(const double* x, const double* gamma, const double* beta, std::size_t rows, std::size_t channels, double eps,
               double* y) {
  // A row is an image of one position whose channels form one group.
  groupNorm(x, gamma, beta, rows, 1, channels, 1, eps, y);
}

}  // namespace unclip::reference

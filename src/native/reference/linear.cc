#include "../parallel.hpp"
#include "ops.hpp"

namespace unclip::reference {

void linear(const double* x, const double* w, const double* bias, std::size_t m, std::size_t n, std::size_t k, double* y) {
  const std::size_t grain = 1 + (1u << 16) / (n * k + 1);
  parallelFor(m, grain, [&](std::size_t begin, std::size_t end) {
    for (std::size_t row = begin; row < end; ++row) {
      for (std::size_t column = 0; column < n; ++column) {
        double sum = bias != nullptr ? bias[column] : 0.0;
        for (std::size_t i = 0; i < k; ++i) sum += x[row * k + i] * w[column * k + i];
        y[row * n + column] = sum;
      }
    }
  });
}

}  // namespace unclip::reference

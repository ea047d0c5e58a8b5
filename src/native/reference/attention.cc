#include <algorithm>
#include <cmath>
#include <limits>
#include <vector>

#include "../parallel.hpp"
#include "ops.hpp"

namespace unclip::reference {

void softmax(const double* x, std::size_t rows, std::size_t columns, double* y) {
  for (std::size_t row = 0; row < rows; ++row) {
    const double* in = x + row * columns;
    double* out = y + row * columns;
    double largest = -std::numeric_limits<double>::infinity();
    for (std::size_t i = 0; i < columns; ++i) largest = std::max(largest, in[i]);
    double sum = 0;
    for (std::size_t i = 0; i < columns; ++i) sum += out[i] = std::exp(in[i] - largest);
    for (std::size_t i = 0; i < columns; ++i) out[i] /= sum;
  }
}

void attention(const double* q, const double* k, const double* v, const double* mask, const AttentionShape& s, double* y) {
  const std::size_t width = s.heads * s.headDim;
  // One row of scores for each possible task: memory is taken before the threads start, which may not throw.
  const std::size_t tasks = s.batch * s.heads;
  std::vector<double> scratch(tasks * s.keys);
  parallelFor(tasks, 1, [&](std::size_t begin, std::size_t end) {
    for (std::size_t task = begin; task < end; ++task) {
      double* scores = scratch.data() + task * s.keys;
      const std::size_t image = task / s.heads;
      const std::size_t column = task % s.heads * s.headDim;
      for (std::size_t i = 0; i < s.queries; ++i) {
        const double* query = q + (image * s.queries + i) * width + column;
        const std::size_t seen = s.causal ? std::min(i + 1, s.keys) : s.keys;
        for (std::size_t j = 0; j < seen; ++j) {
          const double* key = k + (image * s.keys + j) * width + column;
          double dot = 0;
          for (std::size_t d = 0; d < s.headDim; ++d) dot += query[d] * key[d];
          scores[j] = dot * s.scale + (mask != nullptr ? mask[image * s.keys + j] : 0.0);
        }
        softmax(scores, 1, seen, scores);
        double* out = y + (image * s.queries + i) * width + column;
        std::fill(out, out + s.headDim, 0.0);
        for (std::size_t j = 0; j < seen; ++j) {
          const double* value = v + (image * s.keys + j) * width + column;
          for (std::size_t d = 0; d < s.headDim; ++d) out[d] += scores[j] * value[d];
        }
      }
    }
  });
}

}  // namespace unclip::reference

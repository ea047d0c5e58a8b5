#include <algorithm>
#include <numeric>
#include <vector>

#include "ops.hpp"

namespace unclip::reference {

void sampleCategorical(const double* cond, const double* uncond, const double* noise, const double* settings, std::size_t batch,
                       std::size_t categories, double* y) {
  std::vector<double> logits(categories);
  std::vector<std::size_t> order(categories);
  for (std::size_t b = 0; b < batch; ++b) {
    const double scale = settings[b * 4], temperature = settings[b * 4 + 1];
    const auto topK = static_cast<std::size_t>(settings[b * 4 + 2]);
    for (std::size_t v = 0; v < categories; ++v) {
      const double c = cond[b * categories + v];
      logits[v] = uncond == nullptr ? c : uncond[b * categories + v] + scale * (c - uncond[b * categories + v]);
    }
    std::iota(order.begin(), order.end(), std::size_t{0});
    std::stable_sort(order.begin(), order.end(), [&](std::size_t i, std::size_t j) { return logits[i] > logits[j]; });
    const std::size_t kept = topK == 0 ? categories : std::min(topK, categories);
    const auto sum = [&](std::size_t v) { return logits[v] + temperature * noise[b * categories + v]; };
    std::size_t best = order[0];
    for (std::size_t i = 1; i < kept; ++i) {
      const std::size_t v = order[i];
      if (sum(v) > sum(best) || (sum(v) == sum(best) && v < best)) best = v;
    }
    y[b] = static_cast<double>(best);
  }
}

}  // namespace unclip::reference

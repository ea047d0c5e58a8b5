#include <algorithm>
#include <cmath>
#include <numbers>

#include "ops.hpp"

namespace unclip::reference {

double silu(double x) { return x / (1.0 + std::exp(-x)); }

double gelu(double x) { return 0.5 * x * (1.0 + std::erf(x / std::numbers::sqrt2)); }

double quickGelu(double x) { return x / (1.0 + std::exp(-1.702 * x)); }

double relu(double x) { return std::max(x, 0.0); }

}  // namespace unclip::reference

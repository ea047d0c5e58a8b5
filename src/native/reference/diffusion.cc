#include <algorithm>
#include <cmath>

#include "ops.hpp"

namespace unclip::reference {

void timestepEmbedding(const double* t, std::size_t batch, std::size_t dim, double* y) {
  const std::size_t half = dim / 2;
  for (std::size_t b = 0; b < batch; ++b) {
    double* out = y + b * dim;
    for (std::size_t i = 0; i < half; ++i) {
      const double angle = t[b] * std::exp(-std::log(10000.0) * static_cast<double>(i) / static_cast<double>(half));
      out[i] = std::cos(angle);
      out[half + i] = std::sin(angle);
    }
    if (dim % 2 != 0) out[dim - 1] = 0;
  }
}

namespace {

// The record of src/ts/diffusion/step-params.ts.
enum Field : std::size_t {
  kGuidanceScale = 1,
  kX0FromSample,
  kX0FromOutput,
  kX0Divisor,
  kClipRange,
  kX0Coeff,
  kXtCoeff,
  kStd,
  kLogVarMin,
  kLogVarMax,
  kNoiseScale,
  kLearnedVariance,
  kOutputClip,
  kX0PrevCoeff,
  kRecord = 16,
};

double clampTo(double value, double range) { return range > 0 ? std::clamp(value, -range, range) : value; }

}  // namespace

void diffusionStep(const double* sample, const double* cond, const double* uncond, const double* noise, const double* params,
                   const double* x0Prev, const DiffusionStepShape& s, double* y) {
  for (std::size_t b = 0; b < s.batch; ++b) {
    const double* p = params + b * kRecord;
    for (std::size_t i = 0; i < s.pixels * s.channels; ++i) {
      const std::size_t at = b * s.pixels * s.channels + i;
      const std::size_t out = (b * s.pixels + i / s.channels) * s.outChannels + i % s.channels;
      const double x = sample[at];
      const double predicted = p[kGuidanceScale] == 1 || uncond == nullptr
                                   ? cond[out]
                                   : uncond[out] + p[kGuidanceScale] * (cond[out] - uncond[out]);
      const double x0 = clampTo((p[kX0FromSample] * x + p[kX0FromOutput] * predicted) / p[kX0Divisor], p[kClipRange]);
      double next = p[kX0Coeff] * x0 + p[kXtCoeff] * x;
      if (p[kX0PrevCoeff] != 0 && x0Prev != nullptr) next += p[kX0PrevCoeff] * x0Prev[at];
      if (p[kNoiseScale] != 0 && noise != nullptr) {
        double deviation = p[kStd];
        if (p[kLearnedVariance] != 0) {
          const double fraction = (cond[out + s.channels] + 1) / 2;
          deviation = std::exp(0.5 * (fraction * p[kLogVarMax] + (1 - fraction) * p[kLogVarMin]));
        }
        next += p[kNoiseScale] * deviation * noise[at];
      }
      y[at] = clampTo(next, p[kOutputClip]);
    }
  }
}

}  // namespace unclip::reference

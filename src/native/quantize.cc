#include "quantize.hpp"

#include <algorithm>
#include <atomic>
#include <cmath>
#include <limits>
#include <vector>

#include "parallel.hpp"
#include "stored.hpp"
#include "transpose.hpp"

namespace unclip {

namespace {

constexpr float kLargest = 127.0f;
constexpr std::size_t kGrainElements = 1u << 16;

/// The element as f32; `lost` grows where that is not finite, and the value is 0.
template <DType dtype>
float finiteAt(const std::byte* line, std::size_t index, std::uint32_t& lost) {
  const auto value = static_cast<float>(loadAs<dtype>(line, index));
  const bool finite = std::fabs(value) <= std::numeric_limits<float>::max();
  lost += !finite;
  return finite ? value : 0.0f;
}

/// value / scale, to nearest even: f32 values of magnitude 2^23 and more are integers, so that the FPU rounds to one when
/// 1.5 * 2^23 is added.
std::int8_t quantizeOne(float value, float scale) {
  constexpr float kRounder = 12582912.0f;
  const float rounded = (value / scale + kRounder) - kRounder;
  return static_cast<std::int8_t>(std::clamp(rounded, -kLargest, kLargest));
}

}  // namespace

std::uint64_t quantizationScales(const std::byte* source, DType dtype, std::size_t outputs, std::size_t inner, float* scales) {
  std::atomic<std::uint64_t> lost{0};
  dispatchDType(dtype, [&]<DType d>() {
    parallelFor(outputs, std::max<std::size_t>(1, kGrainElements / inner), [&](std::size_t begin, std::size_t end) {
      std::uint64_t mine = 0;
      for (std::size_t o = begin; o < end; ++o) {
        const std::byte* line = source + o * inner * itemSize(d);
        float largest = 0.0f;
        std::uint32_t lineLost = 0;
        for (std::size_t i = 0; i < inner; ++i) largest = std::max(largest, std::fabs(finiteAt<d>(line, i, lineLost)));
        scales[o] = largest / kLargest;
        mine += lineLost;
      }
      lost += mine;
    });
  });
  return lost;
}

std::uint64_t packQuantized(const std::byte* source, DType dtype, const MatrixPacking& p, std::byte* out) {
  std::vector<float> scales(p.outputs);
  const std::uint64_t lost = quantizationScales(source, dtype, p.outputs, p.inputs * p.taps, scales.data());
  dispatchDType(dtype, [&]<DType d>() {
    transposeTiles<std::int8_t>(source, itemSize(d), p, out,
                                [&scales](const std::byte* line, std::size_t count, std::size_t output, std::int8_t* to) {
                                  const float scale = scales[output];
                                  // A weight of zeros, or of values so small that their scale is none.
                                  if (scale == 0.0f) return static_cast<void>(std::fill_n(to, count, std::int8_t{0}));
                                  // Two loops: the second does several elements at a time.
                                  float values[kTileInner];
                                  std::uint32_t lostAgain = 0;
                                  for (std::size_t i = 0; i < count; ++i) values[i] = finiteAt<d>(line, i, lostAgain);
                                  for (std::size_t i = 0; i < count; ++i) to[i] = quantizeOne(values[i], scale);
                                });
  });
  return lost;
}

}  // namespace unclip

#include "pack.hpp"

#include <atomic>
#include <cmath>
#include <type_traits>

#include "parallel.hpp"
#include "stored.hpp"
#include "transpose.hpp"

namespace unclip {

namespace {

/// Rounds once: an f64 goes to f16 by way of an f32 rounded to odd.
template <typename Wide>
std::uint16_t toHalf(Wide value) {
  if constexpr (std::is_same_v<Wide, double>) {
    return floatToHalf(doubleToFloatOdd(value));
  } else {
    return floatToHalf(value);
  }
}

template <Target target>
using Stored = std::conditional_t<target == Target::F32, float, std::uint16_t>;

/// One element converted; `lost` grows where a finite value became infinite.
template <DType dtype, Target target>
Stored<target> convertOne(const std::byte* source, std::size_t index, std::uint32_t& lost) {
  const auto value = loadAs<dtype>(source, index);
  if constexpr (target == Target::F32) {
    const auto narrow = static_cast<float>(value);
    if constexpr (std::is_same_v<decltype(value), const double>) lost += std::isinf(narrow) && !std::isinf(value);
    return narrow;
  } else {
    const std::uint16_t bits = toHalf(value);
    lost += static_cast<std::uint32_t>((bits & 0x7fffu) == 0x7c00u) & static_cast<std::uint32_t>(!std::isinf(value));
    return bits;
  }
}

/// Calls fn with the dtype and the target as compile-time constants.
template <typename Fn>
auto dispatch(DType dtype, Target target, Fn&& fn) {
  return dispatchDType(dtype, [&]<DType d>() {
    return target == Target::F32 ? fn.template operator()<d, Target::F32>() : fn.template operator()<d, Target::F16>();
  });
}

constexpr std::size_t kGrainElements = 1u << 16;

}  // namespace

std::uint64_t convertElements(const std::byte* source, DType dtype, std::size_t count, Target target, std::byte* out) {
  std::atomic<std::uint64_t> lost{0};
  dispatch(dtype, target, [&]<DType d, Target t>() {
    parallelFor(count, kGrainElements, [&](std::size_t begin, std::size_t end) {
      std::uint32_t mine = 0;
      for (std::size_t i = begin; i < end; ++i) {
        const auto value = convertOne<d, t>(source, i, mine);
        std::memcpy(out + i * sizeof(value), &value, sizeof(value));
      }
      lost += mine;
    });
  });
  return lost;
}

std::uint64_t packMatrix(const std::byte* source, DType dtype, const MatrixPacking& p, Target target, std::byte* out) {
  std::atomic<std::uint64_t> lost{0};
  dispatch(dtype, target, [&]<DType d, Target t>() {
    transposeTiles<Stored<t>>(source, itemSize(d), p, out, [&lost](const std::byte* line, std::size_t count, std::size_t, auto* to) {
      std::uint32_t mine = 0;
      for (std::size_t i = 0; i < count; ++i) to[i] = convertOne<d, t>(line, i, mine);
      if (mine != 0) lost += mine;
    });
  });
  return lost;
}

}  // namespace unclip

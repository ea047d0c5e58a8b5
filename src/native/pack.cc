#include "pack.hpp"

#include <algorithm>
#include <atomic>
#include <cmath>
#include <type_traits>

#include "parallel.hpp"

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

/// One stored element as f32, or as f64 where f32 does not hold all of its type's values.
template <DType dtype>
auto loadAs(const std::byte* source, std::size_t index) {
  if constexpr (dtype == DType::F64) {
    return loadElement<double>(source, index);
  } else if constexpr (dtype == DType::F32) {
    return loadElement<float>(source, index);
  } else if constexpr (dtype == DType::F16) {
    return halfToFloat(loadElement<std::uint16_t>(source, index));
  } else if constexpr (dtype == DType::BF16) {
    return bfloatToFloat(loadElement<std::uint16_t>(source, index));
  } else if constexpr (dtype == DType::I64) {
    return static_cast<double>(loadElement<std::int64_t>(source, index));
  } else if constexpr (dtype == DType::I32) {
    return static_cast<double>(loadElement<std::int32_t>(source, index));
  } else if constexpr (dtype == DType::I16) {
    return static_cast<float>(loadElement<std::int16_t>(source, index));
  } else if constexpr (dtype == DType::I8) {
    return static_cast<float>(loadElement<std::int8_t>(source, index));
  } else if constexpr (dtype == DType::U8) {
    return static_cast<float>(loadElement<std::uint8_t>(source, index));
  } else {
    return loadElement<std::uint8_t>(source, index) != 0 ? 1.0f : 0.0f;
  }
}

/// Writes one element; returns 1 where a finite value became infinite.
template <Target target, typename Wide>
std::uint64_t store(Wide value, std::byte* out, std::size_t index) {
  bool infinite = false;
  if constexpr (target == Target::F32) {
    const auto narrow = static_cast<float>(value);
    infinite = std::isinf(narrow);
    std::memcpy(out + index * 4, &narrow, 4);
  } else {
    const std::uint16_t bits = toHalf(value);
    infinite = (bits & 0x7fffu) == 0x7c00u;
    std::memcpy(out + index * 2, &bits, 2);
  }
  return infinite && !std::isinf(value) ? 1 : 0;
}

/// Calls fn with the dtype and the target as compile-time constants.
template <typename Fn>
auto dispatch(DType dtype, Target target, Fn&& fn) {
  const auto withTarget = [&]<DType d>() {
    return target == Target::F32 ? fn.template operator()<d, Target::F32>() : fn.template operator()<d, Target::F16>();
  };
  switch (dtype) {
    case DType::F64: return withTarget.template operator()<DType::F64>();
    case DType::F32: return withTarget.template operator()<DType::F32>();
    case DType::F16: return withTarget.template operator()<DType::F16>();
    case DType::BF16: return withTarget.template operator()<DType::BF16>();
    case DType::I64: return withTarget.template operator()<DType::I64>();
    case DType::I32: return withTarget.template operator()<DType::I32>();
    case DType::I16: return withTarget.template operator()<DType::I16>();
    case DType::I8: return withTarget.template operator()<DType::I8>();
    case DType::U8: return withTarget.template operator()<DType::U8>();
    case DType::BOOL: break;
  }
  return withTarget.template operator()<DType::BOOL>();
}

constexpr std::size_t kGrainElements = 1u << 16;
/// Outputs and inputs of a tile of the transposition: with 3×3 taps 36 kB of f32, which a first- or second-level cache holds.
constexpr std::size_t kTile = 32;

template <DType dtype, Target target>
std::uint64_t packTile(const std::byte* source, const MatrixPacking& p, std::size_t outputBegin, std::size_t inputBegin,
                       std::byte* out) {
  const std::size_t outputEnd = std::min(outputBegin + kTile, p.outputs);
  const std::size_t inputEnd = std::min(inputBegin + kTile, p.inputs);
  std::uint64_t overflows = 0;
  for (std::size_t tap = 0; tap < p.taps; ++tap) {
    for (std::size_t input = inputBegin; input < inputEnd; ++input) {
      const std::size_t row = tap * p.inputs + input;
      if (row < p.rowBegin || row >= p.rowEnd) continue;
      const std::size_t base = (row - p.rowBegin) * p.stride + p.column;
      for (std::size_t output = outputBegin; output < outputEnd; ++output) {
        const auto value = loadAs<dtype>(source, (output * p.inputs + input) * p.taps + tap);
        overflows += store<target>(value, out, base + output);
      }
      if (outputEnd == p.outputs && p.zeros != 0) {
        std::memset(out + (base + p.outputs) * itemSize(target), 0, p.zeros * itemSize(target));
      }
    }
  }
  return overflows;
}

}  // namespace

std::uint64_t convertElements(const std::byte* source, DType dtype, std::size_t begin, std::size_t end, Target target,
                              std::byte* out) {
  std::atomic<std::uint64_t> overflows{0};
  dispatch(dtype, target, [&]<DType d, Target t>() {
    parallelFor(end - begin, kGrainElements, [&](std::size_t from, std::size_t to) {
      std::uint64_t mine = 0;
      for (std::size_t i = from; i < to; ++i) mine += store<t>(loadAs<d>(source, begin + i), out, i);
      overflows += mine;
    });
  });
  return overflows;
}

std::uint64_t packMatrix(const std::byte* source, DType dtype, const MatrixPacking& p, Target target, std::byte* out) {
  std::atomic<std::uint64_t> overflows{0};
  const std::size_t inputTiles = (p.inputs + kTile - 1) / kTile;
  const std::size_t tiles = (p.outputs + kTile - 1) / kTile * inputTiles;
  dispatch(dtype, target, [&]<DType d, Target t>() {
    parallelFor(tiles, kGrainElements / (kTile * kTile * p.taps) + 1, [&](std::size_t from, std::size_t to) {
      std::uint64_t mine = 0;
      for (std::size_t tile = from; tile < to; ++tile) {
        mine += packTile<d, t>(source, p, tile / inputTiles * kTile, tile % inputTiles * kTile, out);
      }
      overflows += mine;
    });
  });
  return overflows;
}

}  // namespace unclip

// Element types of checkpoints and their conversion to f32 and f16, bit by bit: no compiler or CPU extension is assumed.
#pragma once

#include <bit>
#include <cmath>
#include <cstddef>
#include <cstdint>
#include <cstring>
#include <optional>
#include <string_view>

namespace unclip {

static_assert(std::endian::native == std::endian::little, "checkpoints are little-endian and are read in place");

enum class DType : std::uint8_t { F64, F32, F16, BF16, I64, I32, I16, I8, U8, BOOL };

constexpr std::string_view kDTypeNames[] = {"F64", "F32", "F16", "BF16", "I64", "I32", "I16", "I8", "U8", "BOOL"};
constexpr std::size_t kDTypeBytes[] = {8, 4, 2, 2, 8, 4, 2, 1, 1, 1};

inline std::optional<DType> dtypeFromName(std::string_view name) {
  for (std::size_t i = 0; i < std::size(kDTypeNames); ++i) {
    if (kDTypeNames[i] == name) return static_cast<DType>(i);
  }
  return std::nullopt;
}

constexpr std::size_t itemSize(DType dtype) { return kDTypeBytes[static_cast<std::size_t>(dtype)]; }

/// f16 bits → f32, exact; a NaN stays a NaN with its payload. Both cases are computed and one is chosen, so that a compiler can do
/// several elements at a time.
inline float halfToFloat(std::uint16_t bits) {
  const std::uint32_t sign = static_cast<std::uint32_t>(bits & 0x8000u) << 16;
  const std::uint32_t shifted = static_cast<std::uint32_t>(bits & 0x7fffu) << 13;
  // The exponents' biases differ by 112: the product is exact for all finite halves, subnormal ones included.
  const std::uint32_t finite = std::bit_cast<std::uint32_t>(std::bit_cast<float>(shifted) * 0x1p112f);
  const std::uint32_t magnitude = shifted >= 0x0f800000u ? shifted | 0x7f800000u : finite;
  return std::bit_cast<float>(sign | magnitude);
}

/// bf16 bits → f32, exact.
inline float bfloatToFloat(std::uint16_t bits) { return std::bit_cast<float>(static_cast<std::uint32_t>(bits) << 16); }

/// f32 → f16 bits, to nearest, ties to even (IEEE 754); from 65520 in magnitude it is infinity; a NaN becomes quiet.
/// All cases are computed and one is chosen, so that a compiler can do several elements at a time.
inline std::uint16_t floatToHalf(float value) {
  const std::uint32_t bits = std::bit_cast<std::uint32_t>(value);
  const std::uint32_t magnitude = bits & 0x7fffffffu;
  // Below 2^-14: adding 0.5 leaves multiples of 2^-24, the subnormal step, rounded by the FPU to nearest even.
  const std::uint32_t subnormal = std::bit_cast<std::uint32_t>(std::bit_cast<float>(magnitude) + 0.5f) - 0x3f000000u;
  const std::uint32_t normal = (magnitude - 0x38000000u + 0xfffu + ((magnitude >> 13) & 1u)) >> 13;
  const std::uint32_t quiet = 0x7e00u | ((magnitude >> 13) & 0x3ffu);
  std::uint32_t half = magnitude < 0x38800000u ? subnormal : normal;
  half = magnitude >= 0x477ff000u ? 0x7c00u : half;
  half = magnitude > 0x7f800000u ? quiet : half;
  return static_cast<std::uint16_t>(((bits >> 16) & 0x8000u) | half);
}

/// f64 → f32 rounded to odd, so that a second rounding, to f16, gives what one rounding would have given.
inline float doubleToFloatOdd(double value) {
  const float nearest = static_cast<float>(value);
  const double back = nearest;
  if (back == value || std::isnan(value) || std::isinf(nearest)) return nearest;
  std::uint32_t bits = std::bit_cast<std::uint32_t>(nearest);
  if ((bits & 1u) != 0) return nearest;
  // Inexact and even: the other neighbour of the exact value is odd.
  bits = std::fabs(back) < std::fabs(value) ? bits + 1 : bits - 1;
  return std::bit_cast<float>(bits);
}

/// Reads element `index` of an unaligned array of `T`.
template <typename T>
inline T loadElement(const std::byte* data, std::size_t index) {
  T value;
  std::memcpy(&value, data + index * sizeof(T), sizeof(T));
  return value;
}

}  // namespace unclip

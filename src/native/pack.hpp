// Conversion and packing of checkpoint tensors straight from the mapped file into the destination, by threads.
#pragma once

#include <cstddef>
#include <cstdint>

#include "element.hpp"

namespace unclip {

/// What a destination element is.
enum class Target : std::uint8_t { F32, F16 };

constexpr std::size_t itemSize(Target target) { return target == Target::F32 ? 4 : 2; }

/// Converts `count` consecutive elements. Returns how many finite values became infinite.
std::uint64_t convertElements(const std::byte* source, DType dtype, std::size_t count, Target target, std::byte* out);

/// A stored weight [outputs, inputs, taps] and the place of its columns in the packed matrix [taps, inputs, stride].
struct MatrixPacking {
  std::size_t outputs, inputs, taps;
  /// Columns of the packed matrix, padding included.
  std::size_t stride;
  /// First column of this weight.
  std::size_t column;
  /// Columns after this weight's own that are filled with zeros.
  std::size_t zeros;
};

/// PyTorch's linear weight (taps = 1) or conv weight (taps = kh * kw) into its columns of the packed matrix at `out`.
/// Returns how many finite values became infinite.
std::uint64_t packMatrix(const std::byte* source, DType dtype, const MatrixPacking& packing, Target target, std::byte* out);

}  // namespace unclip

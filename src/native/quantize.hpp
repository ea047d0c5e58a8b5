// Weights as 8-bit integers with one scale per output: w[o, ...] = q[o, ...] * scale[o] + at most scale[o] / 2.
#pragma once

#include <cstddef>
#include <cstdint>

#include "element.hpp"
#include "pack.hpp"

namespace unclip {

/// scale[o] = max |w[o, ...]| / 127, in f32, of a weight [outputs, inner]: symmetric, and nothing is clipped. An output of zeros
/// has scale 0. Returns how many elements are not finite as f32; they count for no scale.
std::uint64_t quantizationScales(const std::byte* source, DType dtype, std::size_t outputs, std::size_t inner, float* scales);

/// q = w / scale to nearest, ties to even, within [-127, 127], into its columns of the packed matrix of bytes at `out`.
/// Returns how many elements are not finite as f32; they become 0.
std::uint64_t packQuantized(const std::byte* source, DType dtype, const MatrixPacking& packing, std::byte* out);

}  // namespace unclip

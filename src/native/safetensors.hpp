// The safetensors format: 8 bytes header length, a JSON header, tensors back to back. Everything in it is checked before
// anything of it is used; see the format's own rules (no overlap, no holes, nothing after the last tensor).
#pragma once

#include <cstddef>
#include <cstdint>
#include <string>
#include <utility>
#include <vector>

#include "element.hpp"
#include "mapped_file.hpp"

namespace unclip {

struct TensorEntry {
  std::string name;
  DType dtype;
  std::vector<std::uint64_t> shape;
  /// Byte range from the start of the file.
  std::uint64_t begin, end;
  std::uint64_t elements;
};

struct SafetensorsHeader {
  /// In the order of their bytes; empty tensors keep the header's order.
  std::vector<TensorEntry> tensors;
  std::vector<std::pair<std::string, std::string>> metadata;
};

/// Largest header accepted, as in the reference implementation.
constexpr std::uint64_t kMaxHeaderBytes = 100'000'000;

/// Throws CodedError MODEL_FILE_INVALID naming the tensor and the rule.
SafetensorsHeader parseSafetensors(std::span<const std::byte> file);

/// Gives a tensor whose dtype, shape and first byte are known its element count and last byte, in a file that has no such
/// header. Throws CodedError MODEL_FILE_INVALID where it does not lie within the file.
void placeTensor(TensorEntry& entry, std::uint64_t fileSize);

}  // namespace unclip

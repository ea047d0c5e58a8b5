#include "safetensors.hpp"

#include <algorithm>
#include <set>
#include <string_view>

#include "errors.hpp"
#include "json_cursor.hpp"

namespace unclip {

namespace {

constexpr std::size_t kMaxRank = 16;

/// A name from the file for a message: one line, and short, whatever the file says.
std::string quoted(std::string_view name) {
  constexpr std::size_t kLongest = 100;
  std::size_t length = std::min(name.size(), kLongest);
  while (length < name.size() && length > 0 && (static_cast<unsigned char>(name[length]) & 0xc0u) == 0x80u) --length;
  std::string out = "\"";
  for (const char c : name.substr(0, length)) out.push_back(static_cast<unsigned char>(c) < 0x20 ? '?' : c);
  return out + (length < name.size() ? "…\"" : "\"");
}

void readMetadata(JsonCursor& json, SafetensorsHeader& header) {
  std::set<std::string> seen;
  json.expect('{');
  if (json.accept('}')) return;
  do {
    std::string key = json.string();
    if (!seen.insert(key).second) throw invalidFile("metadata key " + quoted(key) + " appears twice");
    json.expect(':');
    header.metadata.emplace_back(std::move(key), json.string());
  } while (json.accept(','));
  json.expect('}');
}

std::vector<std::uint64_t> readIntegers(JsonCursor& json, std::size_t limit, const std::string& tensor) {
  std::vector<std::uint64_t> values;
  json.expect('[');
  if (json.accept(']')) return values;
  do {
    if (values.size() == limit) throw invalidFile("tensor " + quoted(tensor) + " has too long a list of numbers");
    values.push_back(json.unsignedInteger());
  } while (json.accept(','));
  json.expect(']');
  return values;
}

/// begin and end are still relative to the first byte after the header.
TensorEntry readEntry(JsonCursor& json, std::string name) {
  TensorEntry entry{std::move(name), DType::F32, {}, 0, 0, 1};
  const std::string title = "tensor " + quoted(entry.name) + " ";
  bool hasDType = false;
  bool hasShape = false;
  bool hasOffsets = false;
  const auto once = [&](bool& flag, const std::string& key) {
    if (flag) throw invalidFile(title + "has " + key + " twice");
    flag = true;
  };
  json.expect('{');
  do {
    const std::string key = json.string();
    json.expect(':');
    if (key == "dtype") {
      once(hasDType, key);
      const std::string dtype = json.string();
      const auto known = dtypeFromName(dtype);
      if (!known) throw invalidFile(title + "has dtype " + quoted(dtype) + ", which is not supported");
      entry.dtype = *known;
    } else if (key == "shape") {
      once(hasShape, key);
      entry.shape = readIntegers(json, kMaxRank, entry.name);
    } else if (key == "data_offsets") {
      once(hasOffsets, key);
      const auto offsets = readIntegers(json, 2, entry.name);
      if (offsets.size() != 2) throw invalidFile(title + "needs two data_offsets");
      entry.begin = offsets[0];
      entry.end = offsets[1];
    } else {
      throw invalidFile(title + "has an unknown field " + quoted(key));
    }
  } while (json.accept(','));
  json.expect('}');
  if (!hasDType || !hasShape || !hasOffsets) throw invalidFile(title + "lacks dtype, shape or data_offsets");
  return entry;
}

/// Element count of a shape, checked against overflow and JavaScript's exact integers.
std::uint64_t countElements(const TensorEntry& entry) {
  constexpr std::uint64_t kMax = 1ull << 53;
  std::uint64_t count = 1;
  // A zero anywhere makes the tensor empty, but the other extents must still be sane.
  bool empty = false;
  for (const std::uint64_t extent : entry.shape) {
    if (extent > kMax || (extent != 0 && count > kMax / extent)) {
      throw invalidFile("tensor " + quoted(entry.name) + " has a shape whose product is too large");
    }
    if (extent == 0) {
      empty = true;
    } else {
      count *= extent;
    }
  }
  return empty ? 0 : count;
}

/// Checks sizes and ranges, which must leave no holes, and makes the offsets absolute.
void placeTensors(std::vector<TensorEntry>& tensors, std::uint64_t dataStart, std::uint64_t fileSize) {
  const std::uint64_t dataSize = fileSize - dataStart;
  for (TensorEntry& entry : tensors) {
    const std::string title = "tensor " + quoted(entry.name) + " ";
    if (entry.begin > entry.end) throw invalidFile(title + "ends before it begins");
    if (entry.end > dataSize) throw invalidFile(title + "lies past the end of the file, which may be truncated");
    entry.elements = countElements(entry);
    if (entry.elements * itemSize(entry.dtype) != entry.end - entry.begin) {
      throw invalidFile(title + "has a byte range that does not fit its shape and dtype");
    }
  }
  std::stable_sort(tensors.begin(), tensors.end(), [](const TensorEntry& a, const TensorEntry& b) {
    return a.begin != b.begin ? a.begin < b.begin : a.end < b.end;
  });
  std::uint64_t at = 0;
  for (TensorEntry& entry : tensors) {
    if (entry.begin < at) throw invalidFile("tensor " + quoted(entry.name) + " overlaps another");
    if (entry.begin > at) throw invalidFile("unused bytes before tensor " + quoted(entry.name));
    at = entry.end;
    entry.begin += dataStart;
    entry.end += dataStart;
  }
  if (at != dataSize) throw invalidFile("unused bytes after the last tensor");
}

}  // namespace

void placeTensor(TensorEntry& entry, std::uint64_t fileSize) {
  const std::string title = "tensor " + quoted(entry.name) + " ";
  entry.elements = countElements(entry);
  const std::uint64_t size = itemSize(entry.dtype);
  if (entry.begin > fileSize || entry.elements > (fileSize - entry.begin) / size) {
    throw invalidFile(title + "lies past the end of the file, which may be truncated");
  }
  entry.end = entry.begin + entry.elements * size;
}

SafetensorsHeader parseSafetensors(std::span<const std::byte> file) {
  if (file.size() < 8) throw invalidFile("the file is too short to be a safetensors file");
  const std::uint64_t length = loadElement<std::uint64_t>(file.data(), 0);
  if (length > kMaxHeaderBytes) throw invalidFile("the header is larger than 100 MB; this is not a safetensors file");
  if (length > file.size() - 8) throw invalidFile("the header is longer than the file, which may be truncated");
  const std::string_view text(reinterpret_cast<const char*>(file.data()) + 8, length);
  if (text.empty() || text.front() != '{') throw invalidFile("the header does not start with '{'");
  SafetensorsHeader header;
  JsonCursor json(text);
  std::set<std::string> seen;
  json.expect('{');
  if (!json.accept('}')) {
    do {
      std::string name = json.string();
      if (!seen.insert(name).second) throw invalidFile("tensor " + quoted(name) + " appears twice");
      json.expect(':');
      if (name == "__metadata__") {
        readMetadata(json, header);
      } else {
        header.tensors.push_back(readEntry(json, std::move(name)));
      }
    } while (json.accept(','));
    json.expect('}');
  }
  json.expectEnd();
  placeTensors(header.tensors, 8 + length, file.size());
  return header;
}

}  // namespace unclip

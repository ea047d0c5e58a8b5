// A whole file mapped read-only.
#pragma once

#include <cstddef>
#include <span>
#include <string>

namespace unclip {

class MappedFile {
 public:
  /// Throws CodedError: MODEL_FILE_MISSING, MODEL_FILE_INVALID (not a regular file) or IO_FAILED.
  explicit MappedFile(const std::string& path);
  ~MappedFile();
  MappedFile(const MappedFile&) = delete;
  MappedFile& operator=(const MappedFile&) = delete;

  std::span<const std::byte> bytes() const { return {data_, size_}; }

  /// Throws MODEL_FILE_INVALID where the file has become shorter than the mapping: reading past its end would be fatal.
  void requireUnchanged() const;

 private:
  std::size_t sizeOnDisk() const;

  const std::byte* data_ = nullptr;
  std::size_t size_ = 0;
#ifdef _WIN32
  void* file_ = nullptr;
#else
  int file_ = -1;
#endif
};

}  // namespace unclip

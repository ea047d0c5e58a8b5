#include "mapped_file.hpp"

#include <cstdint>

#include "errors.hpp"

#ifdef _WIN32
#define NOMINMAX
#include <windows.h>
#else
#include <fcntl.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cerrno>
#include <cstring>
#endif

namespace unclip {

namespace {

CodedError cannotOpen(bool missing, const std::string& reason) {
  if (missing) return CodedError("MODEL_FILE_MISSING", "the file does not exist");
  return CodedError("IO_FAILED", "the file cannot be read: " + reason);
}

}  // namespace

void MappedFile::requireUnchanged() const {
  if (sizeOnDisk() < size_) throw invalidFile("the file was truncated while it was in use; load the model again");
}

#ifdef _WIN32

MappedFile::MappedFile(const std::string& path) {
  const int length = MultiByteToWideChar(CP_UTF8, 0, path.c_str(), -1, nullptr, 0);
  std::wstring wide(static_cast<std::size_t>(length), L'\0');
  MultiByteToWideChar(CP_UTF8, 0, path.c_str(), -1, wide.data(), length);
  file_ = CreateFileW(wide.c_str(), GENERIC_READ, FILE_SHARE_READ, nullptr, OPEN_EXISTING, FILE_ATTRIBUTE_NORMAL, nullptr);
  if (file_ == INVALID_HANDLE_VALUE) {
    const DWORD error = GetLastError();
    const bool missing = error == ERROR_FILE_NOT_FOUND || error == ERROR_PATH_NOT_FOUND;
    throw cannotOpen(missing, "system error " + std::to_string(error));
  }
  size_ = sizeOnDisk();
  if (size_ == 0) return;
  const HANDLE mapping = CreateFileMappingW(file_, nullptr, PAGE_READONLY, 0, 0, nullptr);
  if (mapping != nullptr) {
    data_ = static_cast<const std::byte*>(MapViewOfFile(mapping, FILE_MAP_READ, 0, 0, 0));
    CloseHandle(mapping);
  }
  if (data_ == nullptr) {
    const std::string reason = "system error " + std::to_string(GetLastError());
    CloseHandle(file_);
    throw cannotOpen(false, reason);
  }
}

MappedFile::~MappedFile() {
  if (data_ != nullptr) UnmapViewOfFile(data_);
  CloseHandle(file_);
}

std::size_t MappedFile::sizeOnDisk() const {
  LARGE_INTEGER size{};
  return GetFileSizeEx(file_, &size) ? static_cast<std::size_t>(size.QuadPart) : 0;
}

#else

MappedFile::MappedFile(const std::string& path) {
  // Without O_NONBLOCK, opening a pipe would wait for a writer for ever.
  file_ = open(path.c_str(), O_RDONLY | O_CLOEXEC | O_NONBLOCK);
  if (file_ < 0) throw cannotOpen(errno == ENOENT || errno == ENOTDIR, std::strerror(errno));
  struct stat info{};
  if (fstat(file_, &info) != 0 || !S_ISREG(info.st_mode)) {
    close(file_);
    throw invalidFile("it is not a regular file");
  }
  size_ = static_cast<std::size_t>(info.st_size);
  if (size_ == 0) return;
  void* data = mmap(nullptr, size_, PROT_READ, MAP_PRIVATE, file_, 0);
  if (data == MAP_FAILED) {
    const std::string reason = std::strerror(errno);
    close(file_);
    throw cannotOpen(false, reason);
  }
  data_ = static_cast<const std::byte*>(data);
}

MappedFile::~MappedFile() {
  if (data_ != nullptr) munmap(const_cast<std::byte*>(data_), size_);
  close(file_);
}

std::size_t MappedFile::sizeOnDisk() const {
  struct stat info{};
  return fstat(file_, &info) == 0 ? static_cast<std::size_t>(info.st_size) : 0;
}

#endif

}  // namespace unclip

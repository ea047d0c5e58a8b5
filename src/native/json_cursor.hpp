// Reads JSON (RFC 8259) token by token from untrusted bytes: only what a safetensors header may hold.
#pragma once

#include <cstddef>
#include <cstdint>
#include <string>
#include <string_view>

namespace unclip {

class JsonCursor {
 public:
  explicit JsonCursor(std::string_view text) : text_(text) {}

  /// Consumes `c` after white space; throws CodedError MODEL_FILE_INVALID where something else stands.
  void expect(char c);
  /// Consumes `c` after white space if it stands there.
  bool accept(char c);
  /// A string, unescaped, valid UTF-8.
  std::string string();
  /// An integer of 0 or more, at most 2^64 - 1; signs, fractions and exponents are refused.
  std::uint64_t unsignedInteger();
  /// Throws where anything but white space is left.
  void expectEnd();

 private:
  [[noreturn]] void fail(const std::string& what) const;
  void skipSpace();
  std::uint32_t hex4();
  void escape(std::string& out);

  std::string_view text_;
  std::size_t at_ = 0;
};

}  // namespace unclip

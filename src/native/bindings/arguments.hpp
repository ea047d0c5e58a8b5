// Reading JavaScript arguments with checks, shared by the bindings.
#pragma once

#include <napi.h>

#include <cstddef>
#include <initializer_list>
#include <span>
#include <string>
#include <type_traits>
#include <vector>

#include "../errors.hpp"

namespace unclip::bindings {

/// Runs `fn`; a CodedError becomes a JavaScript Error with a `code`.
template <typename Fn>
auto guarded(Napi::Env env, Fn&& fn) -> decltype(fn()) {
  try {
    return fn();
  } catch (const CodedError& error) {
    Napi::Error wrapped = Napi::Error::New(env, error.what());
    wrapped.Value().Set("code", error.code);
    throw wrapped;
  }
}

/// Largest number of elements that one call may take or give: 4 GiB of f64.
constexpr std::size_t kMaxElements = std::size_t{1} << 29;

/// Product of extents; throws INPUT_TOO_LARGE above kMaxElements.
std::size_t elementsOf(std::initializer_list<std::size_t> extents);

/// options[key] as an integer in [0, 2^53); throws INPUT_INVALID where it is absent or something else.
std::size_t sizeOption(const Napi::Object& options, const char* key);
/// The same, in [1, 2^31).
std::size_t extentOption(const Napi::Object& options, const char* key);
double numberOption(const Napi::Object& options, const char* key);

Napi::Object objectArgument(const Napi::CallbackInfo& info, std::size_t index);

/// The bytes of an ArrayBuffer or of a typed array.
std::span<std::byte> bytesArgument(const Napi::CallbackInfo& info, std::size_t index);

/// A Float32Array or Float64Array of exactly `count` elements as doubles.
std::vector<double> doublesArgument(const Napi::CallbackInfo& info, std::size_t index, std::size_t count);

/// The same for an operand that may be null or undefined.
class OptionalDoubles {
 public:
  OptionalDoubles(const Napi::CallbackInfo& info, std::size_t index, std::size_t count);
  const double* data() const { return present_ ? values_.data() : nullptr; }

 private:
  bool present_;
  std::vector<double> values_;
};

}  // namespace unclip::bindings

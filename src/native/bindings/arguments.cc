#include "arguments.hpp"

#include <cmath>

namespace unclip::bindings {

std::size_t elementsOf(std::initializer_list<std::size_t> extents) {
  std::size_t count = 1;
  for (const std::size_t extent : extents) {
    if (extent != 0 && count > kMaxElements / extent) {
      throw CodedError("INPUT_TOO_LARGE", "a tensor of more than 2^29 elements was asked for; use smaller sizes");
    }
    count *= extent;
  }
  return count;
}

namespace {

double finiteOption(const Napi::Object& options, const char* key) {
  const Napi::Value value = options.Get(key);
  if (!value.IsNumber()) throw invalidInput(std::string("option ") + key + " must be a number");
  return value.As<Napi::Number>().DoubleValue();
}

std::size_t integerOption(const Napi::Object& options, const char* key, double least, double limit) {
  const double value = finiteOption(options, key);
  // Written so that NaN fails too.
  if (!(value >= least && value < limit) || value != std::floor(value)) {
    throw invalidInput(std::string("option ") + key + " is out of range or not an integer");
  }
  return static_cast<std::size_t>(value);
}

}  // namespace

std::size_t sizeOption(const Napi::Object& options, const char* key) { return integerOption(options, key, 0, 0x1p53); }

std::size_t extentOption(const Napi::Object& options, const char* key) { return integerOption(options, key, 1, 0x1p31); }

double numberOption(const Napi::Object& options, const char* key) { return finiteOption(options, key); }

Napi::Object objectArgument(const Napi::CallbackInfo& info, std::size_t index) {
  if (!info[index].IsObject()) throw invalidInput("argument " + std::to_string(index) + " must be an object");
  return info[index].As<Napi::Object>();
}

std::span<std::byte> bytesArgument(const Napi::CallbackInfo& info, std::size_t index) {
  const Napi::Value value = info[index];
  if (value.IsArrayBuffer()) {
    auto buffer = value.As<Napi::ArrayBuffer>();
    return {static_cast<std::byte*>(buffer.Data()), buffer.ByteLength()};
  }
  if (value.IsTypedArray()) {
    const auto array = value.As<Napi::TypedArray>();
    return {static_cast<std::byte*>(array.ArrayBuffer().Data()) + array.ByteOffset(), array.ByteLength()};
  }
  throw invalidInput("argument " + std::to_string(index) + " must be an ArrayBuffer or a typed array");
}

std::vector<double> doublesArgument(const Napi::CallbackInfo& info, std::size_t index, std::size_t count) {
  const Napi::Value value = info[index];
  const std::string title = "argument " + std::to_string(index) + " ";
  if (!value.IsTypedArray()) throw invalidInput(title + "must be a Float32Array or a Float64Array");
  const auto array = value.As<Napi::TypedArray>();
  if (array.ElementLength() != count) {
    throw invalidInput(title + "has " + std::to_string(array.ElementLength()) + " elements, expected " + std::to_string(count));
  }
  if (array.TypedArrayType() == napi_float64_array) {
    const double* data = value.As<Napi::Float64Array>().Data();
    return std::vector<double>(data, data + count);
  }
  if (array.TypedArrayType() == napi_float32_array) {
    const float* data = value.As<Napi::Float32Array>().Data();
    return std::vector<double>(data, data + count);
  }
  throw invalidInput(title + "must be a Float32Array or a Float64Array");
}

OptionalDoubles::OptionalDoubles(const Napi::CallbackInfo& info, std::size_t index, std::size_t count)
    : present_(!info[index].IsNull() && !info[index].IsUndefined()) {
  if (present_) values_ = doublesArgument(info, index, count);
}

}  // namespace unclip::bindings

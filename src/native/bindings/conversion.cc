#include "../pack.hpp"
#include "arguments.hpp"
#include "register.hpp"

namespace unclip::bindings {

namespace {

DType dtypeArgument(const Napi::CallbackInfo& info, std::size_t index) {
  const auto dtype = info[index].IsString() ? dtypeFromName(info[index].As<Napi::String>().Utf8Value()) : std::nullopt;
  if (!dtype) throw invalidInput("argument " + std::to_string(index) + " must be a dtype such as F32, F16 or BF16");
  return *dtype;
}

/// convert(source bytes, source dtype, 'f32' | 'f16') → Float32Array, or Uint16Array of f16 bits.
Napi::Value convert(const Napi::CallbackInfo& info) {
  return guarded(info.Env(), [&]() -> Napi::Value {
    const auto source = bytesArgument(info, 0);
    const DType dtype = dtypeArgument(info, 1);
    if (source.size() % itemSize(dtype) != 0) throw invalidInput("the source is not a whole number of elements");
    const std::size_t count = elementsOf({source.size() / itemSize(dtype)});
    if (info[2].IsString() && info[2].As<Napi::String>().Utf8Value() == "f16") {
      auto out = Napi::Uint16Array::New(info.Env(), count);
      convertElements(source.data(), dtype, count, Target::F16, reinterpret_cast<std::byte*>(out.Data()));
      return out;
    }
    auto out = Napi::Float32Array::New(info.Env(), count);
    convertElements(source.data(), dtype, count, Target::F32, reinterpret_cast<std::byte*>(out.Data()));
    return out;
  });
}

}  // namespace

void registerConversion(Napi::Env env, Napi::Object exports) { exports.Set("convert", Napi::Function::New<convert>(env)); }

}  // namespace unclip::bindings

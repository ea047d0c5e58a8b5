#include <limits>

#include "../torch_random.hpp"
#include "arguments.hpp"
#include "register.hpp"

namespace unclip::bindings {

namespace {

std::size_t countArgument(const Napi::CallbackInfo& info) {
  const double count = info[0].IsNumber() ? info[0].As<Napi::Number>().DoubleValue() : -1.0;
  if (!(count >= 0) || count != static_cast<double>(static_cast<std::uint64_t>(count < 0x1p53 ? count : 0))) {
    throw invalidInput("the number of draws must be an integer of 0 or more");
  }
  return elementsOf({static_cast<std::size_t>(count)});
}

class Generator : public Napi::ObjectWrap<Generator> {
 public:
  static void define(Napi::Env env, Napi::Object exports) {
    exports.Set("Generator", DefineClass(env, "Generator",
                                         {InstanceMethod<&Generator::randn>("randn"), InstanceMethod<&Generator::rand>("rand"),
                                          InstanceMethod<&Generator::randint>("randint")}));
  }

  /// new Generator(seed): the low 32 bits of a seed, as a number.
  explicit Generator(const Napi::CallbackInfo& info) : ObjectWrap(info), generator_(seedOf(info)) {}

 private:
  static std::uint64_t seedOf(const Napi::CallbackInfo& info) {
    return guarded(info.Env(), [&] {
      if (!info[0].IsNumber()) throw invalidInput("a seed must be a number");
      return info[0].As<Napi::Number>().Uint32Value();
    });
  }

  Napi::Value randn(const Napi::CallbackInfo& info) {
    return guarded(info.Env(), [&]() -> Napi::Value {
      auto out = Napi::Float32Array::New(info.Env(), countArgument(info));
      generator_.randn({out.Data(), out.ElementLength()});
      return out;
    });
  }

  Napi::Value rand(const Napi::CallbackInfo& info) {
    return guarded(info.Env(), [&]() -> Napi::Value {
      auto out = Napi::Float32Array::New(info.Env(), countArgument(info));
      generator_.rand({out.Data(), out.ElementLength()});
      return out;
    });
  }

  /// randint(count, range): Float64Array of integers in [0, range).
  Napi::Value randint(const Napi::CallbackInfo& info) {
    return guarded(info.Env(), [&]() -> Napi::Value {
      const double range = info[1].IsNumber() ? info[1].As<Napi::Number>().DoubleValue() : 0.0;
      if (!(range >= 1 && range <= 0x1p53)) throw invalidInput("the range of randint must lie in 1..2^53");
      auto out = Napi::Float64Array::New(info.Env(), countArgument(info));
      for (std::size_t i = 0; i < out.ElementLength(); ++i) {
        out[i] = static_cast<double>(generator_.randint(static_cast<std::uint64_t>(range)));
      }
      return out;
    });
  }

  TorchGenerator generator_;
};

}  // namespace

void registerRandom(Napi::Env env, Napi::Object exports) { Generator::define(env, exports); }

}  // namespace unclip::bindings

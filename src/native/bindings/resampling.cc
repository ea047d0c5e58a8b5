// Changes of size: (picture [B, H, W, C], { sizes }) → Float64Array.
#include "../reference/ops.hpp"
#include "arguments.hpp"
#include "register.hpp"

namespace unclip::bindings {

namespace {

struct Picture {
  std::size_t batch, height, width, channels;
  std::vector<double> data;
};

Picture pictureOf(const Napi::CallbackInfo& info) {
  const Napi::Object o = objectArgument(info, 1);
  Picture p{extentOption(o, "batch"), extentOption(o, "height"), extentOption(o, "width"), extentOption(o, "channels"), {}};
  p.data = doublesArgument(info, 0, elementsOf({p.batch, p.height, p.width, p.channels}));
  return p;
}

Napi::Float64Array output(const Napi::CallbackInfo& info, std::initializer_list<std::size_t> shape) {
  return Napi::Float64Array::New(info.Env(), elementsOf(shape));
}

Napi::Value bicubicAntialias(const Napi::CallbackInfo& info) {
  return guarded(info.Env(), [&]() -> Napi::Value {
    const Picture p = pictureOf(info);
    const Napi::Object o = objectArgument(info, 1);
    const std::size_t outHeight = extentOption(o, "outHeight"), outWidth = extentOption(o, "outWidth");
    elementsOf({p.batch, p.height, outWidth, p.channels});
    auto y = output(info, {p.batch, outHeight, outWidth, p.channels});
    reference::bicubicAntialias(p.data.data(), p.batch, p.height, p.width, p.channels, outHeight, outWidth, y.Data());
    return y;
  });
}

Napi::Value avgPool2x(const Napi::CallbackInfo& info) {
  return guarded(info.Env(), [&]() -> Napi::Value {
    const Picture p = pictureOf(info);
    auto y = output(info, {p.batch, p.height / 2, p.width / 2, p.channels});
    reference::avgPool2x(p.data.data(), p.batch, p.height, p.width, p.channels, y.Data());
    return y;
  });
}

Napi::Value nearest2x(const Napi::CallbackInfo& info) {
  return guarded(info.Env(), [&]() -> Napi::Value {
    const Picture p = pictureOf(info);
    auto y = output(info, {p.batch, p.height * 2, p.width * 2, p.channels});
    reference::nearest2x(p.data.data(), p.batch, p.height, p.width, p.channels, y.Data());
    return y;
  });
}

}  // namespace

void registerResampling(Napi::Env env, Napi::Object exports) {
  exports.Set("bicubicAntialias", Napi::Function::New<bicubicAntialias>(env));
  exports.Set("avgPool2x", Napi::Function::New<avgPool2x>(env));
  exports.Set("nearest2x", Napi::Function::New<nearest2x>(env));
}

}  // namespace unclip::bindings

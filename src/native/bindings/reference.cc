// Networks' operations: (operands…, { sizes }) → Float64Array.
#include "../reference/ops.hpp"
#include "arguments.hpp"
#include "register.hpp"

namespace unclip::bindings {

namespace {

using Info = const Napi::CallbackInfo&;

Napi::Float64Array output(Info info, std::initializer_list<std::size_t> shape) {
  return Napi::Float64Array::New(info.Env(), elementsOf(shape));
}

Napi::Value linear(Info info) {
  return guarded(info.Env(), [&]() -> Napi::Value {
    const Napi::Object o = objectArgument(info, 3);
    const std::size_t m = extentOption(o, "m"), n = extentOption(o, "n"), k = extentOption(o, "k");
    const auto x = doublesArgument(info, 0, elementsOf({m, k}));
    const auto w = doublesArgument(info, 1, elementsOf({n, k}));
    const OptionalDoubles bias(info, 2, n);
    auto y = output(info, {m, n});
    reference::linear(x.data(), w.data(), bias.data(), m, n, k, y.Data());
    return y;
  });
}

Napi::Value conv2d(Info info) {
  return guarded(info.Env(), [&]() -> Napi::Value {
    const Napi::Object o = objectArgument(info, 3);
    const reference::ConvShape s{extentOption(o, "batch"),       extentOption(o, "height"),       extentOption(o, "width"),
                                 extentOption(o, "inChannels"),  extentOption(o, "outChannels"),  extentOption(o, "kernelHeight"),
                                 extentOption(o, "kernelWidth"), extentOption(o, "stride"),       sizeOption(o, "pad"),
                                 extentOption(o, "upsample")};
    if (s.upsample > 2 || s.pad >= 0x80000000u) throw invalidInput("upsample must be 1 or 2 and pad below 2^31");
    if (s.height * s.upsample + 2 * s.pad < s.kernelHeight || s.width * s.upsample + 2 * s.pad < s.kernelWidth) {
      throw invalidInput("the kernel is larger than the padded picture");
    }
    const auto x = doublesArgument(info, 0, elementsOf({s.batch, s.height, s.width, s.inChannels}));
    const auto w = doublesArgument(info, 1, elementsOf({s.outChannels, s.inChannels, s.kernelHeight, s.kernelWidth}));
    const OptionalDoubles bias(info, 2, s.outChannels);
    auto y = output(info, {s.batch, s.outHeight(), s.outWidth(), s.outChannels});
    reference::conv2d(x.data(), w.data(), bias.data(), s, y.Data());
    return y;
  });
}

Napi::Value groupNorm(Info info) {
  return guarded(info.Env(), [&]() -> Napi::Value {
    const Napi::Object o = objectArgument(info, 3);
    const std::size_t batch = extentOption(o, "batch"), length = extentOption(o, "length");
    const std::size_t channels = extentOption(o, "channels"), groups = extentOption(o, "groups");
    if (channels % groups != 0) throw invalidInput("channels must be a multiple of groups");
    const auto x = doublesArgument(info, 0, elementsOf({batch, length, channels}));
    const OptionalDoubles gamma(info, 1, channels), beta(info, 2, channels);
    auto y = output(info, {batch, length, channels});
    reference::groupNorm(x.data(), gamma.data(), beta.data(), batch, length, channels, groups, numberOption(o, "eps"), y.Data());
    return y;
  });
}

Napi::Value layerNorm(Info info) {
  return guarded(info.Env(), [&]() -> Napi::Value {
    const Napi::Object o = objectArgument(info, 3);
    const std::size_t rows = extentOption(o, "rows"), channels = extentOption(o, "channels");
    const auto x = doublesArgument(info, 0, elementsOf({rows, channels}));
    const OptionalDoubles gamma(info, 1, channels), beta(info, 2, channels);
    auto y = output(info, {rows, channels});
    reference::layerNorm(x.data(), gamma.data(), beta.data(), rows, channels, numberOption(o, "eps"), y.Data());
    return y;
  });
}

Napi::Value attention(Info info) {
  return guarded(info.Env(), [&]() -> Napi::Value {
    const Napi::Object o = objectArgument(info, 4);
    const reference::AttentionShape s{extentOption(o, "batch"),       extentOption(o, "queries"), extentOption(o, "keys"),
                                      extentOption(o, "heads"),       extentOption(o, "headDim"), numberOption(o, "scale"),
                                      o.Get("causal").ToBoolean()};
    elementsOf({s.batch, s.heads, s.keys});
    const auto q = doublesArgument(info, 0, elementsOf({s.batch, s.queries, s.heads, s.headDim}));
    const auto k = doublesArgument(info, 1, elementsOf({s.batch, s.keys, s.heads, s.headDim}));
    const auto v = doublesArgument(info, 2, elementsOf({s.batch, s.keys, s.heads, s.headDim}));
    const OptionalDoubles mask(info, 3, elementsOf({s.batch, s.keys}));
    auto y = output(info, {s.batch, s.queries, s.heads, s.headDim});
    reference::attention(q.data(), k.data(), v.data(), mask.data(), s, y.Data());
    return y;
  });
}

Napi::Value softmax(Info info) {
  return guarded(info.Env(), [&]() -> Napi::Value {
    const Napi::Object o = objectArgument(info, 1);
    const std::size_t rows = extentOption(o, "rows"), columns = extentOption(o, "columns");
    const auto x = doublesArgument(info, 0, elementsOf({rows, columns}));
    auto y = output(info, {rows, columns});
    reference::softmax(x.data(), rows, columns, y.Data());
    return y;
  });
}

template <double (*fn)(double)>
Napi::Value pointwise(Info info) {
  return guarded(info.Env(), [&]() -> Napi::Value {
    if (!info[0].IsTypedArray()) throw invalidInput("argument 0 must be a Float32Array or a Float64Array");
    const std::size_t count = elementsOf({info[0].As<Napi::TypedArray>().ElementLength()});
    const auto x = doublesArgument(info, 0, count);
    auto y = output(info, {count});
    for (std::size_t i = 0; i < count; ++i) y[i] = fn(x[i]);
    return y;
  });
}

Napi::Value timestepEmbedding(Info info) {
  return guarded(info.Env(), [&]() -> Napi::Value {
    const Napi::Object o = objectArgument(info, 1);
    const std::size_t batch = extentOption(o, "batch"), dim = extentOption(o, "dim");
    const auto t = doublesArgument(info, 0, batch);
    auto y = output(info, {batch, dim});
    reference::timestepEmbedding(t.data(), batch, dim, y.Data());
    return y;
  });
}

Napi::Value diffusionStep(Info info) {
  return guarded(info.Env(), [&]() -> Napi::Value {
    const Napi::Object o = objectArgument(info, 6);
    const reference::DiffusionStepShape s{extentOption(o, "batch"), extentOption(o, "pixels"), extentOption(o, "channels"),
                                          extentOption(o, "outChannels")};
    if (s.outChannels != s.channels && s.outChannels != 2 * s.channels) {
      throw invalidInput("outChannels must be channels or twice as many");
    }
    const std::size_t values = elementsOf({s.batch, s.pixels, s.channels});
    const std::size_t outputs = elementsOf({s.batch, s.pixels, s.outChannels});
    const auto sample = doublesArgument(info, 0, values);
    const auto cond = doublesArgument(info, 1, outputs);
    const OptionalDoubles uncond(info, 2, outputs), noise(info, 3, values);
    const auto params = doublesArgument(info, 4, elementsOf({s.batch, 16}));
    const OptionalDoubles x0Prev(info, 5, values);
    for (std::size_t b = 0; b < s.batch; ++b) {
      constexpr std::size_t kLearnedVariance = 12;
      if (params[b * 16 + kLearnedVariance] != 0 && s.outChannels == s.channels) {
        throw invalidInput("a learned variance needs twice as many output channels");
      }
    }
    auto y = output(info, {s.batch, s.pixels, s.channels});
    reference::diffusionStep(sample.data(), cond.data(), uncond.data(), noise.data(), params.data(), x0Prev.data(), s, y.Data());
    return y;
  });
}

Napi::Value sampleCategorical(Info info) {
  return guarded(info.Env(), [&]() -> Napi::Value {
    const Napi::Object o = objectArgument(info, 4);
    const std::size_t batch = extentOption(o, "batch"), categories = extentOption(o, "categories");
    const std::size_t values = elementsOf({batch, categories});
    const auto cond = doublesArgument(info, 0, values);
    const OptionalDoubles uncond(info, 1, values);
    const auto noise = doublesArgument(info, 2, values);
    const auto settings = doublesArgument(info, 3, elementsOf({batch, 4}));
    auto y = output(info, {batch});
    reference::sampleCategorical(cond.data(), uncond.data(), noise.data(), settings.data(), batch, categories, y.Data());
    return y;
  });
}

}  // namespace

void registerReference(Napi::Env env, Napi::Object exports) {
  exports.Set("linear", Napi::Function::New<linear>(env));
  exports.Set("conv2d", Napi::Function::New<conv2d>(env));
  exports.Set("groupNorm", Napi::Function::New<groupNorm>(env));
  exports.Set("layerNorm", Napi::Function::New<layerNorm>(env));
  exports.Set("attention", Napi::Function::New<attention>(env));
  exports.Set("softmax", Napi::Function::New<softmax>(env));
  exports.Set("silu", Napi::Function::New<pointwise<reference::silu>>(env));
  exports.Set("gelu", Napi::Function::New<pointwise<reference::gelu>>(env));
  exports.Set("quickGelu", Napi::Function::New<pointwise<reference::quickGelu>>(env));
  exports.Set("relu", Napi::Function::New<pointwise<reference::relu>>(env));
  exports.Set("timestepEmbedding", Napi::Function::New<timestepEmbedding>(env));
  exports.Set("diffusionStep", Napi::Function::New<diffusionStep>(env));
  exports.Set("sampleCategorical", Napi::Function::New<sampleCategorical>(env));
}

}  // namespace unclip::bindings

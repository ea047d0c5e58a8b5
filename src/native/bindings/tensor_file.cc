// Stored tensors as JavaScript sees them: those of a safetensors file, or ranges that the caller found in some other file.
#include <algorithm>
#include <cstring>
#include <memory>
#include <vector>

#include "../pack.hpp"
#include "../quantize.hpp"
#include "../safetensors.hpp"
#include "arguments.hpp"
#include "register.hpp"

namespace unclip::bindings {

namespace {

class TensorFile : public Napi::ObjectWrap<TensorFile> {
 public:
  static void define(Napi::Env env, Napi::Object exports) {
    exports.Set("TensorFile",
                DefineClass(env, "TensorFile",
                            {InstanceMethod<&TensorFile::tensors>("tensors"),
                             InstanceMethod<&TensorFile::metadata>("metadata"),
                             InstanceMethod<&TensorFile::copy>("copy"), InstanceMethod<&TensorFile::pack>("pack"),
                             InstanceMethod<&TensorFile::packQuantized>("packQuantized"),
                             InstanceMethod<&TensorFile::quantizationScales>("quantizationScales"),
                             InstanceMethod<&TensorFile::close>("close")}));
  }

  /// new TensorFile(path): a safetensors file, mapped, all of its header checked.
  /// new TensorFile(path | Uint8Array, [{ name, dtype, shape, begin }]): tensors that begin at these bytes of a mapped file, or
  /// of a copy of the array.
  explicit TensorFile(const Napi::CallbackInfo& info) : ObjectWrap(info) {
    guarded(info.Env(), [&] {
      if (info[0].IsString()) {
        const std::string path = info[0].As<Napi::String>().Utf8Value();
        if (path.find('\0') != std::string::npos) throw invalidInput("a path must not hold a NUL character");
        file_ = std::make_unique<MappedFile>(path);
      } else {
        const auto bytes = bytesArgument(info, 0);
        memory_.assign(bytes.begin(), bytes.end());
      }
      if (info[1].IsUndefined()) {
        header_ = parseSafetensors(bytes());
      } else {
        readEntries(info);
      }
    });
  }

 private:
  std::span<const std::byte> bytes() const { return file_ ? file_->bytes() : std::span<const std::byte>(memory_); }

  void readEntries(const Napi::CallbackInfo& info) {
    if (!info[1].IsArray()) throw invalidInput("entries must be an array");
    const auto list = info[1].As<Napi::Array>();
    for (std::uint32_t i = 0; i < list.Length(); ++i) {
      const Napi::Value item = list.Get(i);
      if (!item.IsObject() || !item.As<Napi::Object>().Get("shape").IsArray()) throw invalidInput("an entry lacks its shape");
      const auto object = item.As<Napi::Object>();
      const auto dtype = dtypeFromName(object.Get("dtype").ToString().Utf8Value());
      if (!dtype) throw invalidInput("an entry has an unknown dtype");
      TensorEntry entry{object.Get("name").ToString().Utf8Value(), *dtype, {}, sizeOption(object, "begin"), 0, 0};
      const auto shape = object.Get("shape").As<Napi::Array>();
      for (std::uint32_t d = 0; d < shape.Length(); ++d) {
        const double extent = shape.Get(d).ToNumber().DoubleValue();
        if (!(extent >= 0 && extent < 9007199254740992.0)) throw invalidInput("an extent is not a size");
        entry.shape.push_back(static_cast<std::uint64_t>(extent));
      }
      placeTensor(entry, bytes().size());
      header_.tensors.push_back(std::move(entry));
    }
  }

  /// [{ name, dtype, shape, bytes }] in file order.
  Napi::Value tensors(const Napi::CallbackInfo& info) {
    const Napi::Env env = info.Env();
    auto list = Napi::Array::New(env, header_.tensors.size());
    for (std::size_t i = 0; i < header_.tensors.size(); ++i) {
      const TensorEntry& entry = header_.tensors[i];
      auto shape = Napi::Array::New(env, entry.shape.size());
      for (std::size_t d = 0; d < entry.shape.size(); ++d) {
        shape.Set(static_cast<std::uint32_t>(d), Napi::Number::New(env, static_cast<double>(entry.shape[d])));
      }
      auto item = Napi::Object::New(env);
      item.Set("name", entry.name);
      item.Set("dtype", std::string(kDTypeNames[static_cast<std::size_t>(entry.dtype)]));
      item.Set("shape", shape);
      item.Set("bytes", Napi::Number::New(env, static_cast<double>(entry.end - entry.begin)));
      list.Set(static_cast<std::uint32_t>(i), item);
    }
    return list;
  }

  /// [key, value] pairs of __metadata__.
  Napi::Value metadata(const Napi::CallbackInfo& info) {
    const Napi::Env env = info.Env();
    auto list = Napi::Array::New(env, header_.metadata.size());
    for (std::size_t i = 0; i < header_.metadata.size(); ++i) {
      auto pair = Napi::Array::New(env, 2);
      pair.Set(0u, header_.metadata[i].first);
      pair.Set(1u, header_.metadata[i].second);
      list.Set(static_cast<std::uint32_t>(i), pair);
    }
    return list;
  }

  struct Request {
    const TensorEntry& entry;
    const std::byte* source;
    /// Elements that are meant: the whole tensor, or a part of it.
    std::size_t elements;
    std::span<std::byte> destination;
    Napi::Object options;
    Target target;
    /// What `source` points to where the part had to be transposed.
    std::vector<std::byte> transposed;
  };

  /// Arguments (tensor index, destination, { f16, byteOffset, part?, … }) of copy and pack.
  Request requestOf(const Napi::CallbackInfo& info) const {
    if (closed_) throw invalidInput("the file is closed");
    const double index = info[0].IsNumber() ? info[0].As<Napi::Number>().DoubleValue() : -1.0;
    if (!(index >= 0 && index < static_cast<double>(header_.tensors.size()))) throw invalidInput("no such tensor");
    const TensorEntry& entry = header_.tensors[static_cast<std::size_t>(index)];
    const Napi::Object options = objectArgument(info, 2);
    auto destination = bytesArgument(info, 1);
    const std::size_t offset = sizeOption(options, "byteOffset");
    if (offset > destination.size()) throw invalidInput("byteOffset lies past the end of the destination");
    if (file_) file_->requireUnchanged();
    const Target target = options.Get("f16").ToBoolean() ? Target::F16 : Target::F32;
    Request request{entry, bytes().data() + entry.begin, entry.elements, destination.subspan(offset), options, target, {}};
    if (const Napi::Value part = options.Get("part"); part.IsObject()) narrow(request, part.As<Napi::Object>());
    return request;
  }

  /// part = { first, elements, columns }: `elements` of the tensor from `first` on; columns > 0: they are a matrix of so many
  /// columns, and its transpose is meant.
  static void narrow(Request& request, const Napi::Object& part) {
    const std::size_t first = sizeOption(part, "first");
    const std::size_t elements = sizeOption(part, "elements");
    const std::size_t columns = sizeOption(part, "columns");
    if (first > request.entry.elements || elements > request.entry.elements - first) {
      throw invalidInput("the part lies outside tensor \"" + request.entry.name + "\"");
    }
    const std::size_t size = itemSize(request.entry.dtype);
    request.source += first * size;
    request.elements = elements;
    if (columns == 0) return;
    if (elements % columns != 0) throw invalidInput("the columns do not fit tensor \"" + request.entry.name + "\"");
    const std::size_t rows = elements / columns;
    request.transposed.resize(elements * size);
    for (std::size_t r = 0; r < rows; ++r) {
      for (std::size_t c = 0; c < columns; ++c) {
        std::memcpy(&request.transposed[(c * rows + r) * size], request.source + (r * columns + c) * size, size);
      }
    }
    // Moving the request moves the vector's memory along, so that the pointer stays good.
    request.source = request.transposed.data();
  }

  static void requireRoom(const Request& request, std::size_t elements, std::size_t zeros, std::size_t size) {
    const std::size_t room = request.destination.size() / size;
    if (elements > room || zeros > room - elements) {
      throw invalidInput("the destination is too small for tensor \"" + request.entry.name + "\"");
    }
  }

  /// copy(index, destination, { f16, byteOffset, zeros, part? }): all elements, then `zeros` zeros.
  Napi::Value copy(const Napi::CallbackInfo& info) {
    return guarded(info.Env(), [&]() -> Napi::Value {
      const Request request = requestOf(info);
      const std::size_t zeros = sizeOption(request.options, "zeros");
      const std::size_t count = request.elements;
      requireRoom(request, count, zeros, itemSize(request.target));
      std::byte* out = request.destination.data();
      const auto lost = convertElements(request.source, request.entry.dtype, count, request.target, out);
      const std::size_t size = itemSize(request.target);
      std::fill_n(out + count * size, zeros * size, std::byte{0});
      return Napi::Number::New(info.Env(), static_cast<double>(lost));
    });
  }

  /// { outputs, inputs, taps, stride, column, zeros }, checked against the tensor and the room for elements of `size` bytes.
  static MatrixPacking packingOf(const Request& request, std::size_t size) {
    const Napi::Object& o = request.options;
    const MatrixPacking p{extentOption(o, "outputs"), extentOption(o, "inputs"), extentOption(o, "taps"),
                          extentOption(o, "stride"),  sizeOption(o, "column"),   sizeOption(o, "zeros")};
    // Extents are below 2^31, so outputs * inputs fits; dividing keeps the whole product from overflowing.
    const std::uint64_t plane = static_cast<std::uint64_t>(p.outputs) * p.inputs;
    if (request.elements % plane != 0 || request.elements / plane != p.taps) {
      throw invalidInput("outputs, inputs and taps do not fit tensor \"" + request.entry.name + "\"");
    }
    if (p.column > p.stride || p.outputs > p.stride - p.column || p.zeros > p.stride - p.column - p.outputs) {
      throw invalidInput("the columns lie outside the packed matrix");
    }
    // inputs * taps is at most the tensor's element count, and that times a stride could overflow: divide again.
    if (p.inputs * p.taps > request.destination.size() / size / p.stride) {
      throw invalidInput("the destination is too small for tensor \"" + request.entry.name + "\"");
    }
    return p;
  }

  /// pack(index, destination, { f16, byteOffset, outputs, inputs, taps, stride, column, zeros }).
  Napi::Value pack(const Napi::CallbackInfo& info) {
    return guarded(info.Env(), [&]() -> Napi::Value {
      const Request request = requestOf(info);
      const MatrixPacking p = packingOf(request, itemSize(request.target));
      const auto lost = packMatrix(request.source, request.entry.dtype, p, request.target, request.destination.data());
      return Napi::Number::New(info.Env(), static_cast<double>(lost));
    });
  }

  /// packQuantized(index, destination, { byteOffset, outputs, inputs, taps, stride, column, zeros }): 8-bit integers.
  Napi::Value packQuantized(const Napi::CallbackInfo& info) {
    return guarded(info.Env(), [&]() -> Napi::Value {
      const Request request = requestOf(info);
      const MatrixPacking p = packingOf(request, 1);
      const auto lost = unclip::packQuantized(request.source, request.entry.dtype, p, request.destination.data());
      return Napi::Number::New(info.Env(), static_cast<double>(lost));
    });
  }

  /// quantizationScales(index, destination, { byteOffset, outputs, zeros }): one f32 an output, then `zeros` zeros.
  Napi::Value quantizationScales(const Napi::CallbackInfo& info) {
    return guarded(info.Env(), [&]() -> Napi::Value {
      const Request request = requestOf(info);
      const std::size_t outputs = extentOption(request.options, "outputs");
      const std::size_t zeros = sizeOption(request.options, "zeros");
      const std::size_t elements = request.elements;
      if (elements == 0 || elements % outputs != 0) {
        throw invalidInput("outputs do not fit tensor \"" + request.entry.name + "\"");
      }
      requireRoom(request, outputs, zeros, sizeof(float));
      std::vector<float> scales(outputs);
      const auto lost =
          unclip::quantizationScales(request.source, request.entry.dtype, outputs, elements / outputs, scales.data());
      std::memcpy(request.destination.data(), scales.data(), outputs * sizeof(float));
      std::fill_n(request.destination.data() + outputs * sizeof(float), zeros * sizeof(float), std::byte{0});
      return Napi::Number::New(info.Env(), static_cast<double>(lost));
    });
  }

  /// Unmaps the file now rather than at garbage collection; the list of tensors stays.
  void close(const Napi::CallbackInfo&) {
    closed_ = true;
    file_.reset();
    memory_ = {};
  }

  std::unique_ptr<MappedFile> file_;
  /// Where there is no file.
  std::vector<std::byte> memory_;
  bool closed_ = false;
  SafetensorsHeader header_;
};

}  // namespace

void registerTensorFile(Napi::Env env, Napi::Object exports) { TensorFile::define(env, exports); }

}  // namespace unclip::bindings

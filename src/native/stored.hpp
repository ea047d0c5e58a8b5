// Elements of checkpoints as numbers, their type known at compile time.
#pragma once

#include "element.hpp"

namespace unclip {

/// One stored element as f32, or as f64 where f32 does not hold all of its type's values.
template <DType dtype>
auto loadAs(const std::byte* source, std::size_t index) {
  if constexpr (dtype == DType::F64) {
    return loadElement<double>(source, index);
  } else if constexpr (dtype == DType::F32) {
    return loadElement<float>(source, index);
  } else if constexpr (dtype == DType::F16) {
    return halfToFloat(loadElement<std::uint16_t>(source, index));
  } else if constexpr (dtype == DType::BF16) {
    return bfloatToFloat(loadElement<std::uint16_t>(source, index));
  } else if constexpr (dtype == DType::I64) {
    return static_cast<double>(loadElement<std::int64_t>(source, index));
  } else if constexpr (dtype == DType::I32) {
    return static_cast<double>(loadElement<std::int32_t>(source, index));
  } else if constexpr (dtype == DType::I16) {
    return static_cast<float>(loadElement<std::int16_t>(source, index));
  } else if constexpr (dtype == DType::I8) {
    return static_cast<float>(loadElement<std::int8_t>(source, index));
  } else if constexpr (dtype == DType::U8) {
    return static_cast<float>(loadElement<std::uint8_t>(source, index));
  } else {
    return loadElement<std::uint8_t>(source, index) != 0 ? 1.0f : 0.0f;
  }
}

/// Calls fn with the dtype as a compile-time constant.
template <typename Fn>
auto dispatchDType(DType dtype, Fn&& fn) {
  switch (dtype) {
    case DType::F64: return fn.template operator()<DType::F64>();
    case DType::F32: return fn.template operator()<DType::F32>();
    case DType::F16: return fn.template operator()<DType::F16>();
    case DType::BF16: return fn.template operator()<DType::BF16>();
    case DType::I64: return fn.template operator()<DType::I64>();
    case DType::I32: return fn.template operator()<DType::I32>();
    case DType::I16: return fn.template operator()<DType::I16>();
    case DType::I8: return fn.template operator()<DType::I8>();
    case DType::U8: return fn.template operator()<DType::U8>();
    case DType::BOOL: break;
  }
  return fn.template operator()<DType::BOOL>();
}

}  // namespace unclip

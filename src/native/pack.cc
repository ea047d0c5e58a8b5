#include "pack.hpp"

#include <algorithm>
#include <atomic>
#include <cmath>
#include <type_traits>

#include "parallel.hpp"

namespace unclip {

namespace {

/// Rounds once: an f64 goes to f16 by way of an f32 rounded to odd.
template <typename Wide>
std::uint16_t toHalf(Wide value) {
  if constexpr (std::is_same_v<Wide, double>) {
    return floatToHalf(doubleToFloatOdd(value));
  } else {
    return floatToHalf(value);
  }
}

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

template <Target target>
using Stored = std::conditional_t<target == Target::F32, float, std::uint16_t>;

/// One element converted; `lost` grows where a finite value became infinite.
template <DType dtype, Target target>
Stored<target> convertOne(const std::byte* source, std::size_t index, std::uint32_t& lost) {
  const auto value = loadAs<dtype>(source, index);
  if constexpr (target == Target::F32) {
    const auto narrow = static_cast<float>(value);
    if constexpr (std::is_same_v<decltype(value), const double>) lost += std::isinf(narrow) && !std::isinf(value);
    return narrow;
  } else {
    const std::uint16_t bits = toHalf(value);
    lost += static_cast<std::uint32_t>((bits & 0x7fffu) == 0x7c00u) & static_cast<std::uint32_t>(!std::isinf(value));
    return bits;
  }
}

/// Calls fn with the dtype and the target as compile-time constants.
template <typename Fn>
auto dispatch(DType dtype, Target target, Fn&& fn) {
  const auto withTarget = [&]<DType d>() {
    return target == Target::F32 ? fn.template operator()<d, Target::F32>() : fn.template operator()<d, Target::F16>();
  };
  switch (dtype) {
    case DType::F64: return withTarget.template operator()<DType::F64>();
    case DType::F32: return withTarget.template operator()<DType::F32>();
    case DType::F16: return withTarget.template operator()<DType::F16>();
    case DType::BF16: return withTarget.template operator()<DType::BF16>();
    case DType::I64: return withTarget.template operator()<DType::I64>();
    case DType::I32: return withTarget.template operator()<DType::I32>();
    case DType::I16: return withTarget.template operator()<DType::I16>();
    case DType::I8: return withTarget.template operator()<DType::I8>();
    case DType::U8: return withTarget.template operator()<DType::U8>();
    case DType::BOOL: break;
  }
  return withTarget.template operator()<DType::BOOL>();
}

constexpr std::size_t kGrainElements = 1u << 16;
/// A tile of the transposition, converted into 32 kB on the stack: whole cache lines on both sides.
constexpr std::size_t kTileOutputs = 64;
constexpr std::size_t kTileInner = 128;

/// One tile: outputs from `outputBegin`, and from `innerBegin` the inputs and taps, which lie together in the source.
template <DType dtype, Target target>
std::uint32_t packTile(const std::byte* source, const MatrixPacking& p, std::size_t outputBegin, std::size_t innerBegin,
                       std::byte* out) {
  using Element = Stored<target>;
  // The extra line keeps a column's elements from falling into the same few sets of the cache.
  Element tile[kTileOutputs][kTileInner + 64 / sizeof(Element)];
  const std::size_t inner = p.inputs * p.taps;
  const std::size_t outputs = std::min(kTileOutputs, p.outputs - outputBegin);
  const std::size_t count = std::min(kTileInner, inner - innerBegin);
  std::uint32_t lost = 0;
  for (std::size_t o = 0; o < outputs; ++o) {
    const std::byte* line = source + ((outputBegin + o) * inner + innerBegin) * itemSize(dtype);
    for (std::size_t i = 0; i < count; ++i) tile[o][i] = convertOne<dtype, target>(line, i, lost);
  }
  Element column[kTileOutputs];
  for (std::size_t i = 0; i < count; ++i) {
    for (std::size_t o = 0; o < outputs; ++o) column[o] = tile[o][i];
    const std::size_t input = (innerBegin + i) / p.taps;
    const std::size_t tap = (innerBegin + i) % p.taps;
    std::byte* to = out + ((tap * p.inputs + input) * p.stride + p.column + outputBegin) * sizeof(Element);
    std::memcpy(to, column, outputs * sizeof(Element));
    if (outputBegin + outputs == p.outputs) std::memset(to + outputs * sizeof(Element), 0, p.zeros * sizeof(Element));
  }
  return lost;
}

}  // namespace

std::uint64_t convertElements(const std::byte* source, DType dtype, std::size_t count, Target target, std::byte* out) {
  std::atomic<std::uint64_t> lost{0};
  dispatch(dtype, target, [&]<DType d, Target t>() {
    parallelFor(count, kGrainElements, [&](std::size_t begin, std::size_t end) {
      std::uint32_t mine = 0;
      for (std::size_t i = begin; i < end; ++i) {
        const auto value = convertOne<d, t>(source, i, mine);
        std::memcpy(out + i * sizeof(value), &value, sizeof(value));
      }
      lost += mine;
    });
  });
  return lost;
}

std::uint64_t packMatrix(const std::byte* source, DType dtype, const MatrixPacking& p, Target target, std::byte* out) {
  std::atomic<std::uint64_t> lost{0};
  const std::size_t innerTiles = (p.inputs * p.taps + kTileInner - 1) / kTileInner;
  const std::size_t tiles = (p.outputs + kTileOutputs - 1) / kTileOutputs * innerTiles;
  dispatch(dtype, target, [&]<DType d, Target t>() {
    parallelFor(tiles, kGrainElements / (kTileOutputs * kTileInner), [&](std::size_t begin, std::size_t end) {
      std::uint64_t mine = 0;
      for (std::size_t tile = begin; tile < end; ++tile) {
        mine += packTile<d, t>(source, p, tile / innerTiles * kTileOutputs, tile % innerTiles * kTileInner, out);
      }
      lost += mine;
    });
  });
  return lost;
}

}  // namespace unclip

// The transposition of PyTorch's weights [outputs, inputs, taps] into columns of a packed matrix [taps, inputs, stride], by threads.
#pragma once

#include <algorithm>
#include <cstddef>
#include <cstring>

#include "pack.hpp"
#include "parallel.hpp"

namespace unclip {

/// A tile of the transposition, converted into at most 32 kB on the stack: whole cache lines on both sides.
constexpr std::size_t kTileOutputs = 64;
constexpr std::size_t kTileInner = 128;

/// One tile: outputs from `outputBegin`, and from `innerBegin` the inputs and taps, which lie together in the source.
template <typename Element, typename Convert>
void transposeTile(const std::byte* source, std::size_t itemBytes, const MatrixPacking& p, std::size_t outputBegin,
                   std::size_t innerBegin, std::byte* out, const Convert& convert) {
  // The extra line keeps a column's elements from falling into the same few sets of the cache.
  Element tile[kTileOutputs][kTileInner + 64 / sizeof(Element)];
  const std::size_t inner = p.inputs * p.taps;
  const std::size_t outputs = std::min(kTileOutputs, p.outputs - outputBegin);
  const std::size_t count = std::min(kTileInner, inner - innerBegin);
  for (std::size_t o = 0; o < outputs; ++o) {
    convert(source + ((outputBegin + o) * inner + innerBegin) * itemBytes, count, outputBegin + o, tile[o]);
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
}

/// Writes every element of a weight to its place at `out`. convert(line, count, output, to) makes `count` neighbouring elements
/// of one output, the first of which lies at `line`; it is called from several threads and must not throw.
template <typename Element, typename Convert>
void transposeTiles(const std::byte* source, std::size_t itemBytes, const MatrixPacking& p, std::byte* out,
                    const Convert& convert) {
  const std::size_t innerTiles = (p.inputs * p.taps + kTileInner - 1) / kTileInner;
  const std::size_t tiles = (p.outputs + kTileOutputs - 1) / kTileOutputs * innerTiles;
  constexpr std::size_t kGrain = (std::size_t{1} << 16) / (kTileOutputs * kTileInner);
  parallelFor(tiles, kGrain, [&](std::size_t begin, std::size_t end) {
    for (std::size_t tile = begin; tile < end; ++tile) {
      const std::size_t output = tile / innerTiles * kTileOutputs;
      transposeTile<Element>(source, itemBytes, p, output, tile % innerTiles * kTileInner, out, convert);
    }
  });
}

}  // namespace unclip

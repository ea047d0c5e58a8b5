// Splits independent work over a few threads for the length of one call.
#pragma once

#include <cstddef>
#include <functional>

namespace unclip {

/// Calls body(begin, end) on disjoint ranges that cover [0, count). Ranges hold at least `grain` items, and one range
/// runs on the calling thread without starting any other. The body must not throw.
void parallelFor(std::size_t count, std::size_t grain, const std::function<void(std::size_t, std::size_t)>& body);

}  // namespace unclip

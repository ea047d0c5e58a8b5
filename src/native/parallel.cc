#include "parallel.hpp"

#include <algorithm>
#include <atomic>
#include <system_error>
#include <thread>
#include <vector>

namespace unclip {

void parallelFor(std::size_t count, std::size_t grain, const std::function<void(std::size_t, std::size_t)>& body) {
  if (count == 0) return;
  constexpr std::size_t kMaxThreads = 16;
  grain = std::max<std::size_t>(grain, 1);
  const std::size_t cores = std::clamp<std::size_t>(std::thread::hardware_concurrency(), 1, kMaxThreads);
  const std::size_t threads = std::min(cores, (count + grain - 1) / grain);
  if (threads <= 1) {
    body(0, count);
    return;
  }
  // Four ranges a thread: a core that is busy elsewhere holds up a quarter of a share at most.
  const std::size_t step = std::max(grain, (count + threads * 4 - 1) / (threads * 4));
  std::atomic<std::size_t> next{0};
  const auto work = [&] {
    for (;;) {
      const std::size_t begin = next.fetch_add(step);
      if (begin >= count) return;
      body(begin, std::min(begin + step, count));
    }
  };
  std::vector<std::thread> pool;
  pool.reserve(threads - 1);
  try {
    while (pool.size() + 1 < threads) pool.emplace_back(work);
  } catch (const std::system_error&) {
    // The system gives no more threads: those that run, and this one, do the rest.
  }
  work();
  for (auto& thread : pool) thread.join();
}

}  // namespace unclip

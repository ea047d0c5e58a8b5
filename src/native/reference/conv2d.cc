#include <vector>

#include "../parallel.hpp"
#include "ops.hpp"

namespace unclip::reference {

void conv2d(const double* x, const double* w, const double* bias, const ConvShape& s, double* y) {
  const std::size_t outHeight = s.outHeight();
  const std::size_t outWidth = s.outWidth();
  const std::size_t taps = s.kernelHeight * s.kernelWidth;
  // [O, I, kh, kw] → [kh, kw, O, I], so that the inner loop runs over neighbours in memory.
  std::vector<double> byTap(taps * s.outChannels * s.inChannels);
  for (std::size_t o = 0; o < s.outChannels; ++o) {
    for (std::size_t i = 0; i < s.inChannels; ++i) {
      for (std::size_t t = 0; t < taps; ++t) {
        byTap[(t * s.outChannels + o) * s.inChannels + i] = w[(o * s.inChannels + i) * taps + t];
      }
    }
  }
  parallelFor(s.batch * outHeight, 1, [&](std::size_t begin, std::size_t end) {
    for (std::size_t line = begin; line < end; ++line) {
      const std::size_t image = line / outHeight;
      const std::size_t oy = line % outHeight;
      for (std::size_t ox = 0; ox < outWidth; ++ox) {
        double* out = y + (line * outWidth + ox) * s.outChannels;
        for (std::size_t o = 0; o < s.outChannels; ++o) out[o] = bias != nullptr ? bias[o] : 0.0;
        for (std::size_t t = 0; t < taps; ++t) {
          const std::size_t py = oy * s.stride + t / s.kernelWidth;
          const std::size_t px = ox * s.stride + t % s.kernelWidth;
          if (py < s.pad || px < s.pad) continue;
          const std::size_t iy = (py - s.pad) / s.upsample;
          const std::size_t ix = (px - s.pad) / s.upsample;
          if (iy >= s.height || ix >= s.width) continue;
          const double* in = x + ((image * s.height + iy) * s.width + ix) * s.inChannels;
          for (std::size_t o = 0; o < s.outChannels; ++o) {
            const double* kernel = byTap.data() + (t * s.outChannels + o) * s.inChannels;
            double sum = 0;
            for (std::size_t i = 0; i < s.inChannels; ++i) sum += in[i] * kernel[i];
            out[o] += sum;
          }
        }
      }
    }
  });
}

}  // namespace unclip::reference

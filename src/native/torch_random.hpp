// PyTorch's CPU random stream (aten/src/ATen/core/MT19937RNGEngine.h, DistributionsHelper.h and
// native/cpu/DistributionTemplates.h), so that a seed gives the noise that diffusers gives.
#pragma once

#include <array>
#include <cstddef>
#include <cstdint>
#include <optional>
#include <span>

namespace unclip {

class TorchGenerator {
 public:
  /// Only the low 32 bits of the seed matter, as in torch.Generator.manual_seed.
  explicit TorchGenerator(std::uint64_t seed);

  /// torch.randn of out.size() values. 16 and more: f32 Box-Muller in blocks of 16 (the AVX2 fill); fewer: f64, one by one,
  /// with the second of each pair kept for the next scalar draw. Within 1e-6 of PyTorch, whose own log and cos differ by CPU.
  void randn(std::span<float> out);

  /// torch.rand: multiples of 2^-24 in [0, 1), equal to PyTorch's to the bit.
  void rand(std::span<float> out);

  /// One torch.randint value of [0, range); range up to 2^53.
  std::uint64_t randint(std::uint64_t range);

 private:
  static constexpr std::size_t kState = 624;

  std::uint32_t next32();
  std::uint64_t next64();
  void refill();
  float uniformFloat();
  double uniformDouble();
  double normalDouble();
  void fillUniform(std::span<float> out);

  std::array<std::uint32_t, kState> state_{};
  std::size_t position_ = kState;
  std::optional<double> cachedNormal_;
};

}  // namespace unclip

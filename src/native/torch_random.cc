#include "torch_random.hpp"

#include <cmath>
#include <numbers>

namespace unclip {

TorchGenerator::TorchGenerator(std::uint64_t seed) {
  // Matsumoto and Nishimura's mt19937 initialisation.
  state_[0] = static_cast<std::uint32_t>(seed);
  for (std::uint32_t i = 1; i < kState; ++i) {
    state_[i] = 1812433253u * (state_[i - 1] ^ (state_[i - 1] >> 30)) + i;
  }
}

void TorchGenerator::refill() {
  constexpr std::size_t kShift = 397;
  for (std::size_t i = 0; i < kState; ++i) {
    const std::uint32_t mixed = (state_[i] & 0x80000000u) | (state_[(i + 1) % kState] & 0x7fffffffu);
    state_[i] = state_[(i + kShift) % kState] ^ (mixed >> 1) ^ ((mixed & 1u) != 0 ? 0x9908b0dfu : 0u);
  }
  position_ = 0;
}

std::uint32_t TorchGenerator::next32() {
  if (position_ == kState) refill();
  std::uint32_t y = state_[position_++];
  y ^= y >> 11;
  y ^= (y << 7) & 0x9d2c5680u;
  y ^= (y << 15) & 0xefc60000u;
  return y ^ (y >> 18);
}

std::uint64_t TorchGenerator::next64() {
  const std::uint64_t high = next32();
  return (high << 32) | next32();
}

float TorchGenerator::uniformFloat() { return static_cast<float>(next32() & 0xffffffu) * 0x1p-24f; }

double TorchGenerator::uniformDouble() { return static_cast<double>(next64() & ((1ull << 53) - 1)) * 0x1p-53; }

double TorchGenerator::normalDouble() {
  if (cachedNormal_) {
    const double value = *cachedNormal_;
    cachedNormal_.reset();
    return value;
  }
  const double u1 = uniformDouble();
  const double u2 = uniformDouble();
  const double radius = std::sqrt(-2.0 * std::log1p(-u2));
  const double angle = 2.0 * std::numbers::pi * u1;
  cachedNormal_ = radius * std::sin(angle);
  return radius * std::cos(angle);
}

void TorchGenerator::fillUniform(std::span<float> out) {
  for (float& value : out) value = uniformFloat();
}

namespace {

/// Box-Muller over 16 uniforms in place. The angle is rounded to f32 as PyTorch rounds it; the rest is f64, rounded once,
/// so that the stream does not depend on a C library's f32 functions.
void boxMuller16(float* data) {
  constexpr float kTwoPi = 2.0f * std::numbers::pi_v<float>;
  for (int j = 0; j < 8; ++j) {
    const double u1 = 1.0f - data[j];
    const double angle = kTwoPi * data[j + 8];
    const double radius = std::sqrt(-2.0 * std::log(u1));
    data[j] = static_cast<float>(radius * std::cos(angle));
    data[j + 8] = static_cast<float>(radius * std::sin(angle));
  }
}

}  // namespace

void TorchGenerator::randn(std::span<float> out) {
  constexpr std::size_t kBlock = 16;
  const std::size_t count = out.size();
  if (count < kBlock) {
    for (float& value : out) value = static_cast<float>(normalDouble());
    return;
  }
  fillUniform(out);
  for (std::size_t i = 0; i + kBlock <= count; i += kBlock) boxMuller16(out.data() + i);
  if (count % kBlock != 0) {
    fillUniform(out.last(kBlock));
    boxMuller16(out.data() + count - kBlock);
  }
}

void TorchGenerator::rand(std::span<float> out) { fillUniform(out); }

std::uint64_t TorchGenerator::randint(std::uint64_t range) {
  return range >= (1ull << 32) ? next64() % range : next32() % range;
}

}  // namespace unclip

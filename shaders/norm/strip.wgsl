// How the strip kernels of group norm cut an image: a strip is up to `length` positions, `spread` apart, and the strips
// s … s + spread − 1 of one block interleave. An invocation owns a (strip, Val) pair, so that neighbouring invocations touch
// neighbouring memory even where an image has only a few channels. `channels` counts Vals (norm/value), `groups` divides
// channels · VAL_WIDTH. An invocation asks for BLOCK Vals at once: one on CPU drivers, several on GPUs, where a loop of unknown
// length would wait for each.
requires immediate_address_space;
//#import norm/value
//#const LANES u32
//#const BLOCK u32
struct Params {
  positions: u32, channels: u32, groups: u32, strips: u32, spread: u32, length: u32, flags: u32, eps: f32,
}
var<immediate> p: Params;

fn strip_start(strip: u32) -> u32 { return strip / p.spread * p.spread * p.length + strip % p.spread; }

// Positions of a strip that lie in the image.
fn strip_count(strip: u32) -> u32 {
  let start = strip_start(strip);
  if (start >= p.positions) { return 0u; }
  return min(p.length, (p.positions - start + p.spread - 1u) / p.spread);
}

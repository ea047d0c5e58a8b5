// Peak of 8-bit integer products: dot4I8Packed in a loop in registers, one store at the end. An invocation keeps CHAINS
// independent sums and does rounds · STEPS · CHAINS products of four pairs (8 operations each). Sums wrap around.
requires immediate_address_space;
//#const STEPS u32
//#const CHAINS u32

struct Params {
  rounds: u32,
  left: u32,
}
var<immediate> p: Params;

@group(0) @binding(0) var<storage, read_write> result: array<i32>;

@compute @workgroup_size(64)
fn main(@builtin(global_invocation_id) id: vec3u) {
  var sums: array<i32, CHAINS>;
//#unroll i CHAINS
  sums[i] = i32(id.x + i);
//#endunroll
  for (var round = 0u; round < p.rounds; round++) {
    for (var step = 0u; step < STEPS; step++) {
//#unroll i CHAINS
      // The right operand is the sum itself, so that no product can be taken out of the loop.
      sums[i] += dot4I8Packed(p.left, bitcast<u32>(sums[i]));
//#endunroll
    }
  }
  var total = 0;
//#unroll i CHAINS
  total += sums[i];
//#endunroll
  result[id.x] = total;
}

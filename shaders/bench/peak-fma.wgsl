// Peak of multiply-adds: a loop in registers, nothing loaded, one store at the end so that nothing is left out.
// F16: 16-bit arithmetic. An invocation keeps CHAINS independent vec4 accumulators, enough to hide the latency of one, and does
// rounds · STEPS · CHAINS · 4 multiply-adds. Values converge to add / (1 − factor): no infinities, no denormals.
// STEPS several: a driver that merges changed variables once a round (lavapipe) then does so once in several multiply-adds.
requires immediate_address_space;
//#if F16
enable f16;
alias Element = f16;
//#else
alias Element = f32;
//#endif
alias Vector = vec4<Element>;
//#const STEPS u32
//#const CHAINS u32

struct Params {
  rounds: u32,
  factor: f32,
  add: f32,
}
var<immediate> p: Params;

@group(0) @binding(0) var<storage, read_write> result: array<vec4<f32>>;

@compute @workgroup_size(64)
fn main(@builtin(global_invocation_id) id: vec3u) {
  let factor = Vector(Element(p.factor));
  let add = Vector(Element(p.add));
  var chains: array<Vector, CHAINS>;
//#unroll i CHAINS
  chains[i] = Vector(Element(id.x % 16u + i));
//#endunroll
  for (var round = 0u; round < p.rounds; round++) {
    for (var step = 0u; step < STEPS; step++) {
//#unroll i CHAINS
      chains[i] = fma(chains[i], factor, add);
//#endunroll
    }
  }
  var sum = Vector();
//#unroll i CHAINS
  sum += chains[i];
//#endunroll
  result[id.x] = vec4<f32>(sum);
}

// One code for each image: argmax over v of l[v] + temperature · noise[v] among the top_k largest l (all where top_k is 0),
// l = u + scale · (c − u). Of two equal numbers the one with the smaller index counts as the larger.
// Layout: logits Elem [R, CATEGORIES], with GUIDED R = 2B, the unconditional half first, else R = B; noise f32
// [B, steps, CATEGORIES]; settings f32 [B, 4] = (scale, temperature, top_k, –); positions u32 [R]; codes u32 [B, steps];
// tokens u32 [R]. Code position − first is drawn and written, nothing where there is no such code; then position moves on.
// A workgroup serves one image and is alone in touching its position: grid (B). Sums in f32: the code is exact but where two
// sums differ by less than their rounding.
requires immediate_address_space;
//#import common/types
//#const CATEGORIES u32
//#const INVOCATIONS u32
struct Params { batch: u32, steps: u32, first: u32 }
var<immediate> p: Params;

@group(0) @binding(0) var<storage, read_write> logits: array<Elem>;
@group(0) @binding(1) var<storage, read_write> noise: array<f32>;
@group(0) @binding(2) var<storage, read_write> settings: array<vec4<f32>>;
@group(0) @binding(3) var<storage, read_write> positions: array<u32>;
@group(0) @binding(4) var<storage, read_write> codes: array<u32>;
@group(0) @binding(5) var<storage, read_write> tokens: array<u32>;

const LOWEST: f32 = -3.4e38;

var<workgroup> guided: array<f32, CATEGORIES>;
var<workgroup> best_sum: array<f32, INVOCATIONS>;
var<workgroup> best_code: array<u32, INVOCATIONS>;

fn logit(image: u32, v: u32, scale: f32) -> f32 {
//#if GUIDED
  let u = f32(logits[image * CATEGORIES + v]);
  return u + scale * (f32(logits[(p.batch + image) * CATEGORIES + v]) - u);
//#else
  return f32(logits[image * CATEGORIES + v]);
//#endif
}

// How many logits are larger than that of v.
fn rank(v: u32) -> u32 {
  let own = guided[v];
  var larger = 0u;
  for (var i = 0u; i < CATEGORIES; i++) {
    let other = guided[i];
    if (other > own || (other == own && i < v)) { larger++; }
  }
  return larger;
}

@compute @workgroup_size(INVOCATIONS)
fn main(@builtin(workgroup_id) wg: vec3<u32>, @builtin(local_invocation_index) lane: u32) {
  let image = wg.x;
  let s = settings[image];
  let step = positions[image] - p.first;
  for (var v = lane; v < CATEGORIES; v += INVOCATIONS) { guided[v] = logit(image, v, s.x); }
  workgroupBarrier();
  let top = u32(s.z);
  // Every step beyond the last reads some noise: what it draws is not kept.
  let row = (image * p.steps + min(step, p.steps - 1u)) * CATEGORIES;
  var sum = LOWEST;
  var code = CATEGORIES;
  for (var v = lane; v < CATEGORIES; v += INVOCATIONS) {
    let candidate = guided[v] + s.y * noise[row + v];
    // Only what would win needs to be ranked.
    if (candidate > sum && (top == 0u || rank(v) < top)) {
      sum = candidate;
      code = v;
    }
  }
  best_sum[lane] = sum;
  best_code[lane] = code;
  workgroupBarrier();
  if (lane != 0u) { return; }
  for (var i = 1u; i < INVOCATIONS; i++) {
    let other = best_code[i];
    if (best_sum[i] > sum || (best_sum[i] == sum && other < code)) {
      sum = best_sum[i];
      code = other;
    }
  }
  if (step >= p.steps) { return; }
  codes[image * p.steps + step] = code;
  tokens[image] = code;
  positions[image] = p.first + step + 1u;
//#if GUIDED
  tokens[p.batch + image] = code;
  positions[p.batch + image] = p.first + step + 1u;
//#endif
}

// Operands of attention-matrix: those of attention/operands in f16, moved as words of eight halves (vec4<u32>).
// The importing shader has HEAD, a multiple of 4; with EIGHTS it is a multiple of 8, and a word is one access, else two.
requires immediate_address_space;
enable f16;
struct Params { queries: u32, keys: u32, context_keys: u32, mask_keys: u32, heads: u32, causal: u32, scale: f32 }
var<immediate> p: Params;
//#if EIGHTS
alias Word = vec4<u32>;
const HALVES: u32 = 8u; // in a Word
//#else
alias Word = vec2<u32>;
const HALVES: u32 = 4u;
//#endif
@group(0) @binding(0) var<storage, read_write> q: array<Word>;
@group(0) @binding(1) var<storage, read_write> kv: array<Word>;
@group(0) @binding(2) var<storage, read_write> context: array<Word>;
@group(0) @binding(3) var<storage, read_write> mask: array<f32>;
@group(0) @binding(4) var<storage, read_write> out: array<Word>;

const VALUES: u32 = 1u; // second half of a row of kv

// Keys that query `query` sees, context first.
fn visible_keys(query: u32) -> u32 {
  return p.context_keys + select(p.keys, min(p.keys, query + 1u), p.causal != 0u);
}

// Columns `column` … + 7 of a head's query; zeros behind the last query and behind the head's end.
fn load_query(image: u32, head: u32, query: u32, column: u32) -> vec4<u32> {
  var v = vec4<u32>();
  if (query < p.queries && column < HEAD) {
    let at = (((image * p.queries + query) * p.heads + head) * HEAD + column) / HALVES;
//#if EIGHTS
    v = q[at];
//#else
    v = vec4<u32>(q[at], vec2<u32>());
    if (column + HALVES < HEAD) { v = vec4<u32>(v.xy, q[at + 1u]); }
//#endif
  }
  return v;
}

// The same of key `key` (context first), or of its value with half = VALUES; zeros from key `end` on.
fn load_key(image: u32, head: u32, key: u32, end: u32, half: u32, column: u32) -> vec4<u32> {
  var v = vec4<u32>();
  if (key < end && column < HEAD) {
    let within = (half * p.heads + head) * HEAD + column;
    let row = 2u * p.heads * HEAD;
    if (key < p.context_keys) {
      let at = ((image * p.context_keys + key) * row + within) / HALVES;
//#if EIGHTS
      v = context[at];
//#else
      v = vec4<u32>(context[at], vec2<u32>());
      if (column + HALVES < HEAD) { v = vec4<u32>(v.xy, context[at + 1u]); }
//#endif
    } else {
      let at = ((image * p.keys + key - p.context_keys) * row + within) / HALVES;
//#if EIGHTS
      v = kv[at];
//#else
      v = vec4<u32>(kv[at], vec2<u32>());
      if (column + HALVES < HEAD) { v = vec4<u32>(v.xy, kv[at + 1u]); }
//#endif
    }
  }
  return v;
}

// What is added to the score of key `key`.
fn mask_of(image: u32, key: u32) -> f32 {
  var bias = 0.0;
  if (key < p.mask_keys) { bias = mask[image * p.mask_keys + key]; }
  return bias;
}

// Eight results to columns `column` … + 7; what lies behind the last query or the head's end is dropped.
fn store_result(image: u32, head: u32, query: u32, column: u32, low: vec4<f32>, high: vec4<f32>) {
  if (query < p.queries && column < HEAD) {
    let at = (((image * p.queries + query) * p.heads + head) * HEAD + column) / HALVES;
    let words = pack(low, high);
//#if EIGHTS
    out[at] = words;
//#else
    out[at] = words.xy;
    if (column + HALVES < HEAD) { out[at + 1u] = words.zw; }
//#endif
  }
}

// Eight numbers as halves.
fn pack(low: vec4<f32>, high: vec4<f32>) -> vec4<u32> {
  return vec4<u32>(bitcast<vec2<u32>>(vec4<f16>(low)), bitcast<vec2<u32>>(vec4<f16>(high)));
}

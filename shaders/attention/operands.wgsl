// Operands of the attention kernels whose head size is a multiple of 4, read as vec4s and staged as Stage4.
// q and out [B, queries, heads·HEAD]; kv [B, keys, 2·heads·HEAD], a row's keys, then its values; context the same with
// context_keys rows, which come before kv's; mask f32 [B, mask_keys], added to the first scores. causal: query i sees own keys
// up to i.
// With POSITION query 0 of image b stands at key positions[b], see position_of.
// The importing shader has HEAD and the switch STAGE_F16 (workgroup memory holds f16; else f32).
requires immediate_address_space;
//#import common/types
struct Params {
  queries: u32, keys: u32, context_keys: u32, mask_keys: u32, heads: u32, causal: u32, scale: f32,
  columns: u32, // = COLUMNS, for loops that no driver shall unroll, for the sake of compile time
}
var<immediate> p: Params;
@group(0) @binding(0) var<storage, read_write> q: array<Elem4>;
@group(0) @binding(1) var<storage, read_write> kv: array<Elem4>;
@group(0) @binding(2) var<storage, read_write> context: array<Elem4>;
@group(0) @binding(3) var<storage, read_write> mask: array<f32>;
@group(0) @binding(4) var<storage, read_write> out: array<Elem4>;
//#if POSITION
@group(0) @binding(5) var<storage, read_write> positions: array<u32>;
var<workgroup> shared_position: u32;
//#endif

// The key at which an image's first query stands; asked by all invocations of a workgroup, for whom it is uniform.
fn position_of(image: u32, lane: u32) -> u32 {
//#if POSITION
  if (lane == 0u) { shared_position = positions[image]; }
  return workgroupUniformLoad(&shared_position);
//#else
  return 0u;
//#endif
}

//#if STAGE_F16
alias Stage4 = vec4<f16>;
//#else
alias Stage4 = vec4<f32>;
//#endif

// Scores are kept ≥ LOWEST: a row whose keys are all masked (even by −∞) gives the mean of their values, never NaN.
const LOWEST: f32 = -1e30;
const COLUMNS: u32 = HEAD / 4u; // of a head, in vec4
const VALUES: u32 = 1u; // second half of a row of kv

// Where column 0 of query `query` lies in q and out, in vec4.
fn query_at(image: u32, head: u32, query: u32) -> u32 {
  return ((image * p.queries + query) * p.heads + head) * COLUMNS;
}

// Keys that some query up to `last_query`, counted from key 0 of kv, sees.
fn visible_keys(last_query: u32) -> u32 {
  return p.context_keys + select(p.keys, min(p.keys, last_query + 1u), p.causal != 0u);
}

fn load_query(image: u32, head: u32, query: u32, column: u32) -> Stage4 {
  var v = Stage4();
  if (query < p.queries && column < COLUMNS) { v = Stage4(q[query_at(image, head, query) + column]); }
  return v;
}

// Four columns of key `key` (context first), or of its value with half = VALUES; zeros behind `end` and behind the head.
fn load_key(image: u32, head: u32, key: u32, end: u32, half: u32, column: u32) -> Stage4 {
  let within = (half * p.heads + head) * COLUMNS + column;
  let row = 2u * p.heads * COLUMNS;
  var v = Stage4();
  if (key < end && column < COLUMNS) {
    if (key < p.context_keys) {
      v = Stage4(context[(image * p.context_keys + key) * row + within]);
    } else {
      v = Stage4(kv[(image * p.keys + key - p.context_keys) * row + within]);
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

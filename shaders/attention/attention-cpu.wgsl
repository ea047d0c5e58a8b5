// softmax(scale · q kᵀ + mask) v per head, online over tiles of keys: one subgroup a workgroup, no barrier, for CPU drivers.
// Layout, operands and error bound as in attention-portable; HEAD a multiple of 4. Grid (query blocks, heads, B).
// A subgroup computes ROWS queries of one head and image. For the scores a lane owns BLOCKS keys of a tile; the softmax needs
// one subgroupMax a row and tile; for the sum of values a lane owns vec4 columns of the head and gets each key's probability
// by a shuffle. A tile lies in the context or in the own keys, never in both.
// Assumes that a workgroup of SUBGROUP invocations is one whole subgroup. Loops over rows, key blocks and owned columns are
// unrolled by the driver. The loop over the head's columns should not be, for the sake of compile time: its bound comes in as
// the parameter `columns` = HEAD / 4.
requires immediate_address_space;
enable subgroups;
//#import common/types
//#const HEAD u32
//#const SUBGROUP u32
//#const ROWS u32
//#const BLOCKS u32
struct Params { queries: u32, keys: u32, context_keys: u32, mask_keys: u32, heads: u32, causal: u32, scale: f32, columns: u32 }
var<immediate> p: Params;
@group(0) @binding(0) var<storage, read_write> q: array<Elem4>;
@group(0) @binding(1) var<storage, read_write> kv: array<Elem4>;
@group(0) @binding(2) var<storage, read_write> context: array<Elem4>;
@group(0) @binding(3) var<storage, read_write> mask: array<f32>;
@group(0) @binding(4) var<storage, read_write> out: array<Elem4>;

const LOWEST: f32 = -1e30;
const COLUMNS: u32 = HEAD / 4u;
const OWNED: u32 = (COLUMNS + SUBGROUP - 1u) / SUBGROUP; // vec4 columns a lane owns
const TILE: u32 = SUBGROUP * BLOCKS;

@compute @workgroup_size(SUBGROUP)
fn main(@builtin(workgroup_id) wg: vec3<u32>, @builtin(local_invocation_index) lane: u32) {
  let head = wg.y;
  let image = wg.z;
  let first_query = wg.x * ROWS;
  let query_stride = p.heads * COLUMNS;
  let row = 2u * query_stride;
  var total = p.context_keys + p.keys;
  if (p.causal != 0u) { total = p.context_keys + min(p.keys, first_query + ROWS); }

  var query_at: array<u32, ROWS>;
  var largest: array<f32, ROWS>;
  var sums: array<f32, ROWS>;
  var acc: array<vec4<f32>, ROWS * OWNED>;
  for (var r = 0u; r < ROWS; r++) {
    query_at[r] = (image * p.queries + min(first_query + r, p.queries - 1u)) * query_stride + head * COLUMNS;
    largest[r] = LOWEST;
    sums[r] = 0.0;
  }
  for (var i = 0u; i < ROWS * OWNED; i++) { acc[i] = vec4<f32>(); }

  var first = 0u;
  while (first < total) {
    // A tile lies in the context or in the own keys, never in both.
//#if CONTEXT
    let in_context = first < p.context_keys;
    // Where key 0 of all keys would lie: own keys start behind the context (u32 wraps around).
    let base = select(image * p.keys - p.context_keys, image * p.context_keys, in_context) * row + head * COLUMNS;
    let end = select(total, p.context_keys, in_context);
//#else
    let base = image * p.keys * row + head * COLUMNS;
    let end = total;
//#endif
    var scores: array<f32, ROWS * BLOCKS>; // of row r and key block a at r · BLOCKS + a
    for (var i = 0u; i < ROWS * BLOCKS; i++) { scores[i] = 0.0; }
    var key_at: array<u32, BLOCKS>;
    for (var a = 0u; a < BLOCKS; a++) { key_at[a] = base + min(first + a * SUBGROUP + lane, end - 1u) * row; }
    for (var c = 0u; c < p.columns; c++) {
      var k: array<vec4<f32>, BLOCKS>;
      for (var a = 0u; a < BLOCKS; a++) {
//#if CONTEXT
        if (in_context) { k[a] = vec4<f32>(context[key_at[a] + c]); } else { k[a] = vec4<f32>(kv[key_at[a] + c]); }
//#else
        k[a] = vec4<f32>(kv[key_at[a] + c]);
//#endif
      }
      for (var r = 0u; r < ROWS; r++) {
        let v = vec4<f32>(q[query_at[r] + c]);
        for (var a = 0u; a < BLOCKS; a++) {
          scores[r * BLOCKS + a] += v.x * k[a].x + v.y * k[a].y + v.z * k[a].z + v.w * k[a].w;
        }
      }
    }

    // Masks, the online softmax; scores become probabilities.
    var bias: array<f32, BLOCKS>;
    for (var a = 0u; a < BLOCKS; a++) {
      let key = first + a * SUBGROUP + lane;
      bias[a] = 0.0;
      if (key < p.mask_keys) { bias[a] = mask[image * p.mask_keys + key]; }
    }
    for (var r = 0u; r < ROWS; r++) {
      let limit = select(end, min(end, p.context_keys + first_query + r + 1u), p.causal != 0u);
      var m = largest[r];
      for (var a = 0u; a < BLOCKS; a++) {
        let s = max(p.scale * scores[r * BLOCKS + a] + bias[a], LOWEST);
        scores[r * BLOCKS + a] = s;
        m = max(m, select(LOWEST, s, first + a * SUBGROUP + lane < limit));
      }
      m = subgroupMax(m);
      let rescale = exp(largest[r] - m);
      largest[r] = m;
      var sum = sums[r] * rescale;
      for (var a = 0u; a < BLOCKS; a++) {
        let e = select(0.0, exp(scores[r * BLOCKS + a] - m), first + a * SUBGROUP + lane < limit);
        scores[r * BLOCKS + a] = e;
        sum += e;
      }
      sums[r] = sum;
      for (var o = 0u; o < OWNED; o++) { acc[r * OWNED + o] *= rescale; }
    }

    // acc += probability · value, key by key.
    let value_base = base + query_stride;
    for (var a = 0u; a < BLOCKS; a++) {
      let block = first + a * SUBGROUP;
      let count = min(SUBGROUP, max(end, block) - block);
      for (var k = 0u; k < count; k++) {
        var v: array<vec4<f32>, OWNED>;
        for (var o = 0u; o < OWNED; o++) {
          let at = value_base + (block + k) * row + min(o * SUBGROUP + lane, COLUMNS - 1u);
//#if CONTEXT
          if (in_context) { v[o] = vec4<f32>(context[at]); } else { v[o] = vec4<f32>(kv[at]); }
//#else
          v[o] = vec4<f32>(kv[at]);
//#endif
        }
        for (var r = 0u; r < ROWS; r++) {
          let e = subgroupShuffle(scores[r * BLOCKS + a], k);
          for (var o = 0u; o < OWNED; o++) { acc[r * OWNED + o] += e * v[o]; }
        }
      }
    }
    first = min(first + TILE, end);
  }

  for (var r = 0u; r < ROWS; r++) {
    let sum = subgroupAdd(sums[r]);
    if (first_query + r < p.queries) {
      for (var o = 0u; o < OWNED; o++) {
        if (o * SUBGROUP + lane < COLUMNS) { out[query_at[r] + o * SUBGROUP + lane] = Elem4(acc[r * OWNED + o] / sum); }
      }
    }
  }
}

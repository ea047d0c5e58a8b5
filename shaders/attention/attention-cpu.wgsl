// softmax(scale · q kᵀ + mask) v per head, online over tiles of keys: one subgroup a workgroup, no barrier, for CPU drivers.
// q and out [B, queries, heads·HEAD] of Elem; kv [B, keys, 2·heads·HEAD] of Key, a row's keys, then its values, the first
// context_keys rows not subject to causal order; mask f32 [B, mask_keys], added to the first scores. HEAD a multiple of 4.
// A subgroup computes 16 queries (8 without ROWS16) of one head and image, in tiles of 4·SUBGROUP keys, as two small matrix products
// (why so: matmul/linear-cpu): for the scores a lane owns four keys and the queries are handed round; the softmax needs one
// maximum over lanes a row and tile; for the sum of values a lane owns OWNED vec4 columns and the probabilities are handed round.
// Sums in f32. Scores are kept ≥ −1e30: a row whose keys are all masked gives the mean of their values. Relative L2 error ≤ 1e-5.
// Assumes that a workgroup of SUBGROUP invocations is one whole subgroup. `columns` = HEAD / 4 is a parameter so that no driver
// unrolls the loop over it, for the sake of compile time. Grid (query blocks, heads, B).
requires immediate_address_space;
enable subgroups;
//#import common/types
//#const HEAD u32
//#const SUBGROUP u32
struct Params { queries: u32, keys: u32, context_keys: u32, mask_keys: u32, heads: u32, causal: u32, scale: f32, columns: u32 }
var<immediate> p: Params;
//#if KEYS_F32
alias Key4 = vec4<f32>;
//#else
alias Key4 = Elem4;
//#endif
@group(0) @binding(0) var<storage, read_write> q: array<Elem4>;
@group(0) @binding(1) var<storage, read_write> kv: array<Key4>;
@group(0) @binding(2) var<storage, read_write> mask: array<f32>;
@group(0) @binding(3) var<storage, read_write> out: array<Elem4>;
//#if POSITION
// In causal order, the key at which each image's first query stands.
@group(0) @binding(4) var<storage, read_write> positions: array<u32>;
var<workgroup> position: u32;
//#endif

//#if ROWS16
const HALVES: u32 = 2u;
//#else
const HALVES: u32 = 1u;
//#endif
const LOWEST: f32 = -1e30;
const COLUMNS: u32 = HEAD / 4u;
const OWNED: u32 = (COLUMNS + SUBGROUP - 1u) / SUBGROUP; // vec4 columns a lane owns
const ROWS: u32 = 8u * HALVES;
const LOADS: u32 = ROWS / SUBGROUP;
const TILE: u32 = SUBGROUP * 4u;

alias Rows = array<vec4<f32>, 8>; // four numbers of each of 8 queries; drivers leave larger arrays in memory

/// State of the online softmax of 8 queries: largest score so far, this lane's part of the sum, factor of the sums before.
struct Softmax { largest: array<f32, 8>, sum: array<f32, 8>, rescale: array<f32, 8> }

/// rows[i] += left[i] · right, `left` of row i being four numbers that all lanes need.
fn add_product(rows: ptr<function, Rows>, i: u32, left: vec4<f32>, right: array<vec4<f32>, 4>) {
  rows[i] = fma(vec4(left.w), right[3], fma(vec4(left.z), right[2], fma(vec4(left.y), right[1], fma(vec4(left.x), right[0], rows[i]))));
}

/// Adds the products of four columns of 8 queries, the first of which is entry e0, with the lanes' keys.
fn add_scores(s: ptr<function, Rows>, queries: ptr<function, array<vec4<f32>, LOADS>>, e0: u32, keys: array<vec4<f32>, 4>) {
  for (var i = 0u; i < 8u; i++) {
    add_product(s, i, subgroupShuffle(queries[(e0 + i) / SUBGROUP], (e0 + i) % SUBGROUP), keys);
  }
}

/// Largest of all lanes' values. CPU drivers go from lane to lane in subgroupMax, and compile a fifth longer for it.
fn lanes_max(value: f32) -> f32 {
  var v = value;
  for (var step = 1u; step < SUBGROUP; step *= 2u) { v = max(v, subgroupShuffleXor(v, step)); }
  return v;
}

/// Scores of a lane's keys key…key+3 become exponentials. Row i sees keys below `end`, in causal order below first_end + i.
fn soften(s: ptr<function, Rows>, state: ptr<function, Softmax>, key: u32, bias: vec4<f32>, end: u32, first_end: u32) {
  for (var i = 0u; i < 8u; i++) {
    let seen = vec4(key, key + 1u, key + 2u, key + 3u) < vec4(min(end, first_end + i));
    // Lower than LOWEST, so that its exponential is zero even in a row of masked keys.
    let v = select(vec4(2.0 * LOWEST), max(p.scale * s[i] + bias, vec4(LOWEST)), seen);
    let largest = max(state.largest[i], lanes_max(max(max(v.x, v.y), max(v.z, v.w))));
    let e = exp(v - largest);
    state.rescale[i] = exp(state.largest[i] - largest);
    state.largest[i] = largest;
    state.sum[i] = state.sum[i] * state.rescale[i] + ((e.x + e.y) + (e.z + e.w));
    s[i] = e;
  }
}

/// Adds the values of four keys, those of lane `owner`, weighted with their probabilities.
fn add_values(acc: ptr<function, Rows>, s: ptr<function, Rows>, owner: u32, values: array<vec4<f32>, 4>) {
  for (var i = 0u; i < 8u; i++) { add_product(acc, i, subgroupShuffle(s[i], owner), values); }
}

@compute @workgroup_size(SUBGROUP)
fn main(@builtin(workgroup_id) wg: vec3<u32>, @builtin(subgroup_invocation_id) lane: u32) {
  let head = wg.y;
  let image = wg.z;
  let first_query = wg.x * ROWS;
  let query_stride = p.heads * COLUMNS;
  let row = 2u * query_stride;
  let base = image * p.keys * row + head * COLUMNS;
  var end = p.keys;
  var first_end = p.keys; // keys that the first query sees; in causal order each further one sees one more
  if (p.causal != 0u) {
    first_end = p.context_keys + first_query + 1u;
//#if POSITION
    if (lane == 0u) { position = positions[image]; }
    first_end += workgroupUniformLoad(&position);
//#endif
    end = min(end, first_end + min(ROWS, p.queries - first_query) - 1u);
  }

  var query_at: array<u32, LOADS>;
  for (var j = 0u; j < LOADS; j++) {
    let query = min(first_query + j * SUBGROUP + lane, p.queries - 1u);
    query_at[j] = (image * p.queries + query) * query_stride + head * COLUMNS;
  }
  var state: array<Softmax, HALVES>;
  var acc: array<Rows, HALVES * OWNED>;
  for (var h = 0u; h < HALVES; h++) {
    for (var i = 0u; i < 8u; i++) { state[h].largest[i] = LOWEST; }
  }

  for (var first = 0u; first < end; first += TILE) {
    let key = first + lane * 4u;
    var s: array<Rows, HALVES>;
    // CPU drivers clear a variable of a loop's body only once.
    for (var h = 0u; h < HALVES; h++) {
      for (var i = 0u; i < 8u; i++) { s[h][i] = vec4<f32>(); }
    }
    var key_at: array<u32, 4>;
    for (var c = 0u; c < 4u; c++) { key_at[c] = base + min(key + c, end - 1u) * row; }
    for (var column = 0u; column < p.columns; column++) {
      var queries: array<vec4<f32>, LOADS>;
      for (var j = 0u; j < LOADS; j++) { queries[j] = vec4<f32>(q[query_at[j] + column]); }
      let k0 = vec4<f32>(kv[key_at[0] + column]);
      let k1 = vec4<f32>(kv[key_at[1] + column]);
      let k2 = vec4<f32>(kv[key_at[2] + column]);
      let k3 = vec4<f32>(kv[key_at[3] + column]);
      let keys = array<vec4<f32>, 4>(
        vec4(k0.x, k1.x, k2.x, k3.x), vec4(k0.y, k1.y, k2.y, k3.y), vec4(k0.z, k1.z, k2.z, k3.z), vec4(k0.w, k1.w, k2.w, k3.w));
      for (var h = 0u; h < HALVES; h++) { add_scores(&s[h], &queries, 8u * h, keys); }
    }

    var bias = vec4<f32>();
    for (var c = 0u; c < 4u; c++) {
      if (key + c < p.mask_keys) { bias[c] = mask[image * p.mask_keys + key + c]; }
    }
    for (var h = 0u; h < HALVES; h++) {
      soften(&s[h], &state[h], key, bias, end, first_end + 8u * h);
      for (var o = 0u; o < OWNED; o++) {
        for (var i = 0u; i < 8u; i++) { acc[h * OWNED + o][i] *= state[h].rescale[i]; }
      }
    }

    let owners = (min(TILE, end - first) + 3u) / 4u;
    for (var owner = 0u; owner < owners; owner++) {
      for (var o = 0u; o < OWNED; o++) {
        let column = query_stride + min(o * SUBGROUP + lane, COLUMNS - 1u);
        var values: array<vec4<f32>, 4>;
        for (var c = 0u; c < 4u; c++) {
          values[c] = vec4<f32>(kv[base + min(first + owner * 4u + c, end - 1u) * row + column]);
        }
        for (var h = 0u; h < HALVES; h++) { add_values(&acc[h * OWNED + o], &s[h], owner, values); }
      }
    }
  }

  // A loop of unknown length, over a copy: one copy of the store's code, and the accumulators stay in registers.
  var results: array<vec4<f32>, ROWS * OWNED>;
  for (var h = 0u; h < HALVES; h++) {
    for (var i = 0u; i < 8u; i++) {
      let factor = 1.0 / subgroupAdd(state[h].sum[i]);
      for (var o = 0u; o < OWNED; o++) { results[(8u * h + i) * OWNED + o] = acc[h * OWNED + o][i] * factor; }
    }
  }
  for (var i = 0u; i < min(ROWS, p.queries - first_query) * OWNED; i++) {
    let column = i % OWNED * SUBGROUP + lane;
    let query = first_query + i / OWNED;
    if (column < COLUMNS) {
      out[(image * p.queries + query) * query_stride + head * COLUMNS + column] = Elem4(results[i]);
    }
  }
}

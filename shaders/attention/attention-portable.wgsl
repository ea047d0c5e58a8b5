// softmax(scale · q kᵀ + mask) v per head, online over tiles of keys: no L×L matrix in memory. WGSL core only, any sizes.
// Layout: q and out [B, queries, heads·HEAD]; kv [B, keys, 2·heads·HEAD], a row's keys, then its values;
// context the same with context_keys rows, which come before kv's; mask f32 [B, mask_keys], added to the first scores.
// A workgroup (8×8 invocations) computes TILE queries of one head and image: grid (query tiles, heads, B).
// q, k and v pass through workgroup memory CHUNK vec4 columns at a time (14.5 KiB whatever HEAD is), so any head size fits.
// VEC4: HEAD is a multiple of 4, else operands are read one element at a time. Sums, softmax and accumulators are f32:
// relative L2 error ≤ 1e-5 for f32 storage. Scores are kept ≥ LOWEST, so a row whose keys are all masked (even by −∞)
// gives the mean of their values, never NaN.
requires immediate_address_space;
//#import common/types
//#const HEAD u32
struct Params { queries: u32, keys: u32, context_keys: u32, mask_keys: u32, heads: u32, causal: u32, scale: f32 }
var<immediate> p: Params;
//#if VEC4
alias Store = Elem4;
const WIDTH: u32 = 4u;
//#else
alias Store = Elem;
const WIDTH: u32 = 1u;
//#endif
@group(0) @binding(0) var<storage, read_write> q: array<Store>;
@group(0) @binding(1) var<storage, read_write> kv: array<Store>;
@group(0) @binding(2) var<storage, read_write> context: array<Store>;
@group(0) @binding(3) var<storage, read_write> mask: array<f32>;
@group(0) @binding(4) var<storage, read_write> out: array<Store>;
//#if POSITION
// In causal order, the key at which each image's first query stands.
@group(0) @binding(5) var<storage, read_write> positions: array<u32>;
var<workgroup> shared_position: u32;
//#endif

const LOWEST: f32 = -1e30;
const TILE: u32 = 32u;
const COLUMNS: u32 = (HEAD + 3u) / 4u; // of a head, in vec4
const CHUNK: u32 = min(COLUMNS, 8u);
const CHUNKS: u32 = (COLUMNS + CHUNK - 1u) / CHUNK;
const STRIDE: u32 = 9u; // vec4 per staged row: odd, so that rows fall into different banks

var<workgroup> tile_q: array<vec4<f32>, TILE * STRIDE>;
var<workgroup> tile_kv: array<vec4<f32>, TILE * STRIDE>;
var<workgroup> probabilities: array<vec4<f32>, TILE * STRIDE>;
var<workgroup> partial: array<f32, TILE * 8u>;

// Four columns from `column` on of a row that starts at element `base`; zeros behind the head's end.
fn load_q(base: u32, column: u32) -> vec4<f32> {
  var v = vec4<f32>();
//#if VEC4
  if (column < HEAD) { v = vec4<f32>(q[(base + column) / 4u]); }
//#else
  for (var i = 0u; i < 4u; i++) { if (column + i < HEAD) { v[i] = f32(q[base + column + i]); } }
//#endif
  return v;
}

// The same of key `key` (context first); `half` 0 for keys, 1 for values.
fn load_kv(image: u32, head: u32, key: u32, half: u32, column: u32) -> vec4<f32> {
  let row = 2u * p.heads * HEAD;
  let within = (half * p.heads + head) * HEAD + column;
  var v = vec4<f32>();
  if (key >= p.context_keys) {
    let base = (image * p.keys + key - p.context_keys) * row + within;
//#if VEC4
    if (column < HEAD) { v = vec4<f32>(kv[base / 4u]); }
//#else
    for (var i = 0u; i < 4u; i++) { if (column + i < HEAD) { v[i] = f32(kv[base + i]); } }
//#endif
  } else {
    let base = (image * p.context_keys + key) * row + within;
//#if VEC4
    if (column < HEAD) { v = vec4<f32>(context[base / 4u]); }
//#else
    for (var i = 0u; i < 4u; i++) { if (column + i < HEAD) { v[i] = f32(context[base + i]); } }
//#endif
  }
  return v;
}

// Where key `k` of a tile is staged: the eight invocations that read keys 4x + j at once then read neighbouring rows.
fn slot(k: u32) -> u32 { return (k % 4u) * 8u + k / 4u; }

fn stage_kv(image: u32, head: u32, first: u32, total: u32, half: u32, chunk: u32, lane: u32) {
  for (var i = lane; i < TILE * CHUNK; i += 64u) {
    let k = i / CHUNK;
    var v = vec4<f32>();
    if (first + k < total) { v = load_kv(image, head, first + k, half, 4u * (chunk * CHUNK + i % CHUNK)); }
    tile_kv[slot(k) * STRIDE + i % CHUNK] = v;
  }
}

fn reduce(a: vec4<f32>) -> f32 { return (a.x + a.y) + (a.z + a.w); }

@compute @workgroup_size(8, 8)
fn main(@builtin(workgroup_id) wg: vec3<u32>, @builtin(local_invocation_id) id: vec3<u32>,
        @builtin(local_invocation_index) lane: u32) {
  let head = wg.y;
  let image = wg.z;
  let first_query = wg.x * TILE;
  let last_query = min(first_query + TILE, p.queries) - 1u;
//#if POSITION
  if (lane == 0u) { shared_position = positions[image]; }
  let position = workgroupUniformLoad(&shared_position);
//#else
  let position = 0u;
//#endif
  var total = p.context_keys + p.keys;
  if (p.causal != 0u) { total = p.context_keys + min(p.keys, position + last_query + 1u); }

  var largest: array<f32, 4>;
  var sums: array<f32, 4>;
  var acc: array<vec4<f32>, 4u * CHUNKS>;
  for (var r = 0u; r < 4u; r++) { largest[r] = LOWEST; }

  for (var first = 0u; first < total; first += TILE) {
    // Scores of queries 4y + r and keys 4x + j.
    var scores: array<vec4<f32>, 4>;
    for (var r = 0u; r < 4u; r++) { scores[r] = vec4<f32>(); } // lavapipe keeps the last round's otherwise
    for (var chunk = 0u; chunk < CHUNKS; chunk++) {
      for (var i = lane; i < TILE * CHUNK; i += 64u) {
        let row = first_query + i / CHUNK;
        var v = vec4<f32>();
        if (row < p.queries) {
          v = load_q(((image * p.queries + row) * p.heads + head) * HEAD, 4u * (chunk * CHUNK + i % CHUNK));
        }
        tile_q[i / CHUNK * STRIDE + i % CHUNK] = v;
      }
      stage_kv(image, head, first, total, 0u, chunk, lane);
      workgroupBarrier();
      for (var c = 0u; c < CHUNK; c++) {
        let k0 = tile_kv[id.x * STRIDE + c];
        let k1 = tile_kv[(8u + id.x) * STRIDE + c];
        let k2 = tile_kv[(16u + id.x) * STRIDE + c];
        let k3 = tile_kv[(24u + id.x) * STRIDE + c];
        for (var r = 0u; r < 4u; r++) {
          let v = tile_q[(4u * id.y + r) * STRIDE + c];
          scores[r] += vec4<f32>(dot(v, k0), dot(v, k1), dot(v, k2), dot(v, k3));
        }
      }
      workgroupBarrier();
    }

    // Masks, then the largest score of each query: eight invocations share a row.
    var seen: array<vec4<bool>, 4>;
    let key = first + 4u * id.x;
    var bias = vec4<f32>();
    for (var j = 0u; j < 4u; j++) { if (key + j < p.mask_keys) { bias[j] = mask[image * p.mask_keys + key + j]; } }
    for (var r = 0u; r < 4u; r++) {
      let query = first_query + 4u * id.y + r;
      let limit = select(total, min(total, p.context_keys + position + query + 1u), p.causal != 0u);
      seen[r] = vec4<u32>(key, key + 1u, key + 2u, key + 3u) < vec4<u32>(limit);
      scores[r] = select(vec4<f32>(LOWEST), max(p.scale * scores[r] + bias, vec4<f32>(LOWEST)), seen[r]);
      partial[(4u * id.y + r) * 8u + id.x] = max(max(scores[r].x, scores[r].y), max(scores[r].z, scores[r].w));
    }
    workgroupBarrier();
    var rescale: array<f32, 4>;
    for (var r = 0u; r < 4u; r++) {
      var m = largest[r];
      for (var x = 0u; x < 8u; x++) { m = max(m, partial[(4u * id.y + r) * 8u + x]); }
      rescale[r] = exp(largest[r] - m);
      largest[r] = m;
      let e = select(vec4<f32>(), exp(scores[r] - m), seen[r]);
      probabilities[(4u * id.y + r) * STRIDE + id.x] = e;
      sums[r] = sums[r] * rescale[r] + reduce(e);
    }

    // acc = acc · rescale + probabilities · values; an invocation owns vec4 column x of every chunk.
    for (var chunk = 0u; chunk < CHUNKS; chunk++) {
      stage_kv(image, head, first, total, 1u, chunk, lane);
      workgroupBarrier();
      for (var r = 0u; r < 4u; r++) { acc[chunk * 4u + r] *= rescale[r]; }
      if (id.x < CHUNK) {
        for (var k = 0u; k < TILE / 4u; k++) {
          let v0 = tile_kv[k * STRIDE + id.x];
          let v1 = tile_kv[(8u + k) * STRIDE + id.x];
          let v2 = tile_kv[(16u + k) * STRIDE + id.x];
          let v3 = tile_kv[(24u + k) * STRIDE + id.x];
          for (var r = 0u; r < 4u; r++) {
            let e = probabilities[(4u * id.y + r) * STRIDE + k];
            acc[chunk * 4u + r] += e.x * v0 + e.y * v1 + e.z * v2 + e.w * v3;
          }
        }
      }
      workgroupBarrier();
    }
  }

  // The eight parts of each row's sum.
  for (var r = 0u; r < 4u; r++) { partial[(4u * id.y + r) * 8u + id.x] = sums[r]; }
  workgroupBarrier();
  for (var r = 0u; r < 4u; r++) {
    let query = first_query + 4u * id.y + r;
    if (query >= p.queries) { continue; }
    var sum = 0.0;
    for (var x = 0u; x < 8u; x++) { sum += partial[(4u * id.y + r) * 8u + x]; }
    let base = ((image * p.queries + query) * p.heads + head) * HEAD;
    for (var chunk = 0u; chunk < CHUNKS; chunk++) {
      let column = 4u * (chunk * CHUNK + id.x);
      if (id.x >= CHUNK || column >= HEAD) { continue; }
      let v = acc[chunk * 4u + r] / sum;
//#if VEC4
      out[(base + column) / 4u] = Store(v);
//#else
      for (var i = 0u; i < 4u; i++) { if (column + i < HEAD) { out[base + column + i] = Store(v[i]); } }
//#endif
    }
  }
}

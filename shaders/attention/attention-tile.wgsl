// softmax(scale · q kᵀ + mask) v per head, online over tiles of keys (FlashAttention-2: Dao 2023), by register tiles.
// Layout: see attention/operands; HEAD a multiple of 4. Grid (query tiles, heads, B).
// A workgroup is GROUPS rows of ACROSS invocations. Invocation (x, y) holds the scores of ROWS queries y + GROUPS·r and KEYS
// keys x + ACROSS·j of a tile, then vec4 columns x + ACROSS·o of those queries' results. The query tile stays in workgroup
// memory, keys and values of a tile pass through it one after the other. Rows of both have an odd stride: neighbouring rows,
// which are read at once, lie in different banks.
// SUBGROUPS: the ACROSS invocations of a row are neighbours in one subgroup (ACROSS divides every size a subgroup may have,
// and subgroups take invocations in order): maxima and sums by butterflies, probabilities by shuffles. Without, they pass
// through workgroup memory, and KEYS is a multiple of 4.
// OWNED is ⌈HEAD/4/ACROSS⌉, QUADS KEYS/4. Loops over what an invocation holds are unrolled in the text: an array that a variable
// indexes may end up in memory.
// Products of Stage4 operands, sums and softmax are f32. Relative L2 error ≤ 1e-5 for f32, 1e-3 for f16 storage.
//#if SUBGROUPS
enable subgroups;
//#endif
//#import attention/operands
//#const HEAD u32
//#const ROWS u32
//#const KEYS u32
//#const ACROSS u32
//#const GROUPS u32
//#const OWNED u32
const LANES: u32 = ACROSS * GROUPS;
const QUERY_TILE: u32 = ROWS * GROUPS;
const KEY_TILE: u32 = KEYS * ACROSS;
const STRIDE: u32 = COLUMNS | 1u;

var<workgroup> tile_q: array<Stage4, QUERY_TILE * STRIDE>;
var<workgroup> tile_kv: array<Stage4, KEY_TILE * STRIDE>;

// Keys (half 0) or values of the tile that starts at key `first`.
fn stage(image: u32, head: u32, first: u32, end: u32, half: u32, lane: u32) {
  for (var i = lane; i < KEY_TILE * COLUMNS; i += LANES) {
    tile_kv[i / COLUMNS * STRIDE + i % COLUMNS] = load_key(image, head, first + i / COLUMNS, end, half, i % COLUMNS);
  }
}

//#if SUBGROUPS
fn row_max(value: f32, row: u32, x: u32) -> f32 {
  var m = value;
  for (var step = 1u; step < ACROSS; step *= 2u) { m = max(m, subgroupShuffleXor(m, step)); }
  return m;
}

fn row_sum(value: f32, row: u32, x: u32) -> f32 {
  var sum = value;
  for (var step = 1u; step < ACROSS; step *= 2u) { sum += subgroupShuffleXor(sum, step); }
  return sum;
}
//#else
//#const QUADS u32
const PROBABILITY_STRIDE: u32 = (KEY_TILE / 4u) | 1u;
// Of row and vec4 (x, i): keys x + ACROSS · (4i … 4i + 3) of the tile.
var<workgroup> probabilities: array<Stage4, QUERY_TILE * PROBABILITY_STRIDE>;
var<workgroup> partial: array<f32, QUERY_TILE * ACROSS>;

// Both after a barrier behind the writes to `partial`.
fn row_max(value: f32, row: u32, x: u32) -> f32 {
  var m = LOWEST;
  for (var i = 0u; i < ACROSS; i++) { m = max(m, partial[row * ACROSS + i]); }
  return m;
}

fn row_sum(value: f32, row: u32, x: u32) -> f32 {
  var sum = 0.0;
  for (var i = 0u; i < ACROSS; i++) { sum += partial[row * ACROSS + i]; }
  return sum;
}
//#endif

@compute @workgroup_size(LANES)
fn main(@builtin(workgroup_id) wg: vec3<u32>, @builtin(local_invocation_index) lane: u32,
//#if SUBGROUPS
        @builtin(subgroup_invocation_id) in_subgroup: u32) {
  let row_start = in_subgroup / ACROSS * ACROSS; // of this row of invocations, within the subgroup
//#else
) {
//#endif
  let x = lane % ACROSS;
  let y = lane / ACROSS;
  let head = wg.y;
  let image = wg.z;
  let first_query = wg.x * QUERY_TILE;
  let first_place = position_of(image, lane) + first_query;
  let total = visible_keys(first_place + min(QUERY_TILE, p.queries - first_query) - 1u);

  for (var i = lane; i < QUERY_TILE * COLUMNS; i += LANES) {
    tile_q[i / COLUMNS * STRIDE + i % COLUMNS] = load_query(image, head, first_query + i / COLUMNS, i % COLUMNS);
  }
  var largest: array<f32, ROWS>;
  var sums: array<f32, ROWS>; // of this invocation's keys only
  var acc: array<vec4<f32>, ROWS * OWNED>;
//#unroll r ROWS
  largest[r] = LOWEST;
//#endunroll

  for (var first = 0u; first < total; first += KEY_TILE) {
    stage(image, head, first, total, 0u, lane);
    workgroupBarrier();
    var scores: array<f32, ROWS * KEYS>; // of row r and key j at r · KEYS + j
//#unroll i SCORES
    scores[i] = 0.0; // lavapipe keeps the last round's otherwise
//#endunroll
    for (var c = 0u; c < p.columns; c++) {
      var k: array<vec4<f32>, KEYS>;
//#unroll j KEYS
      k[j] = vec4<f32>(tile_kv[(x + ACROSS * j) * STRIDE + c]);
//#endunroll
//#unroll r ROWS
      let v = vec4<f32>(tile_q[(y + GROUPS * r) * STRIDE + c]);
//#unroll j KEYS
      scores[r * KEYS + j] += dot(v, k[j]);
//#endunroll
//#endunroll
    }

    // Masks and the largest score of each row.
    var highest: array<f32, ROWS>;
//#unroll r ROWS
    highest[r] = LOWEST;
//#endunroll
//#unroll j KEYS
    let key = first + x + ACROSS * j;
    let bias = mask_of(image, key);
//#unroll r ROWS
    // A key that a row does not see keeps a score that no exp() of a difference to the maximum tells from 0.
    let seen = key < min(total, visible_keys(first_place + y + GROUPS * r));
    let s = select(2.0 * LOWEST, max(p.scale * scores[r * KEYS + j] + bias, LOWEST), seen);
    scores[r * KEYS + j] = s;
    highest[r] = max(highest[r], s);
//#endunroll
//#endunroll
//#if !SUBGROUPS
//#unroll r ROWS
    partial[(y + GROUPS * r) * ACROSS + x] = highest[r];
//#endunroll
//#endif
    workgroupBarrier(); // every row has used the keys: values take their place
    stage(image, head, first, total, VALUES, lane);

    // Scores become probabilities relative to the largest score so far; what was summed before is scaled to match.
//#unroll r ROWS
    let m = max(largest[r], row_max(highest[r], y + GROUPS * r, x));
    let rescale = exp(largest[r] - m);
    largest[r] = m;
    sums[r] *= rescale;
//#unroll j KEYS
    let e = exp(scores[r * KEYS + j] - m);
    scores[r * KEYS + j] = e;
    sums[r] += e;
//#endunroll
//#unroll o OWNED
    acc[r * OWNED + o] *= rescale;
//#endunroll
//#if !SUBGROUPS
//#unroll i QUADS
    let at = r * KEYS + 4u * i;
    probabilities[(y + GROUPS * r) * PROBABILITY_STRIDE + x * QUADS + i] =
      Stage4(vec4<f32>(scores[at], scores[at + 1u], scores[at + 2u], scores[at + 3u]));
//#endunroll
//#endif
//#endunroll
    workgroupBarrier();

    // acc += probability · value, key by key; of a last tile of fewer than ACROSS keys, no more than there are.
    let across = min(ACROSS, total - first);
    for (var s = 0u; s < across; s++) {
//#if SUBGROUPS
//#unroll j KEYS
      var v: array<vec4<f32>, OWNED>;
//#unroll o OWNED
      v[o] = vec4<f32>(tile_kv[(s + ACROSS * j) * STRIDE + min(x + ACROSS * o, COLUMNS - 1u)]);
//#endunroll
//#unroll r ROWS
      let e = subgroupShuffle(scores[r * KEYS + j], row_start + s);
//#unroll o OWNED
      acc[r * OWNED + o] += e * v[o];
//#endunroll
//#endunroll
//#endunroll
//#else
//#unroll i QUADS
      var v: array<vec4<f32>, 4 * OWNED>;
//#unroll o OWNED
//#unroll n 4
      v[4u * o + n] = vec4<f32>(tile_kv[(s + ACROSS * (4u * i + n)) * STRIDE + min(x + ACROSS * o, COLUMNS - 1u)]);
//#endunroll
//#endunroll
//#unroll r ROWS
      let e = vec4<f32>(probabilities[(y + GROUPS * r) * PROBABILITY_STRIDE + s * QUADS + i]);
//#unroll o OWNED
      acc[r * OWNED + o] += e.x * v[4u * o] + e.y * v[4u * o + 1u] + e.z * v[4u * o + 2u] + e.w * v[4u * o + 3u];
//#endunroll
//#endunroll
//#endunroll
//#endif
    }
    workgroupBarrier(); // the values have been used
  }

//#if !SUBGROUPS
//#unroll r ROWS
  partial[(y + GROUPS * r) * ACROSS + x] = sums[r];
//#endunroll
  workgroupBarrier();
//#endif
//#unroll r ROWS
  let query = first_query + y + GROUPS * r;
  let sum = row_sum(sums[r], y + GROUPS * r, x);
  if (query < p.queries) {
//#unroll o OWNED
    let column = x + ACROSS * o;
    if (column < COLUMNS) { out[query_at(image, head, query) + column] = Elem4(acc[r * OWNED + o] / sum); }
//#endunroll
  }
//#endunroll
}

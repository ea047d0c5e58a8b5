// softmax(scale · q kᵀ + mask) v per head on matrix units ("tensor cores"): f16 operands, f32 sums, online over blocks of keys
// (FlashAttention-2: Dao 2023). Layout: see attention/matrix-operands. Grid (query tiles, heads, B).
// Layers: workgroup (QUERY_TILE queries of a head, blocks of KEYS keys) → subgroup (ROWS queries × all keys of a block; its queries
// and its sums of values stay in registers as matrices) → matrix (MAT_M×MAT_N×MAT_K, a shape that the adapter reports).
// While a block is computed, the next block's keys and values are on their way from memory into registers; they are put into
// workgroup memory where their place is free anyway, between two barriers that the scores need: no second copy of the tile.
// Elements of a matrix cannot be reached, so scores become probabilities in workgroup memory (attention/matrix-softmax), in a
// slab of each subgroup; sums of values pass through the slabs where they have to be scaled, and at the end.
// Rows of tiles and slabs are one word of 16 bytes longer than their contents: eight rows begin in eight groups of banks.
// Loops over matrices are unrolled in the text: an array of matrices that a variable indexes may end up in memory.
// Assumes: MAT_* multiples of 8; MAT_N and MAT_K divide KEYS and WIDTH (HEAD rounded up); ACROSS neighbouring invocations lie in
// one subgroup; KEYS/MAT_K a multiple of ACROSS; matrix loads and stores of one subgroup happen in order.
// Error: probabilities rounded to f16, relative L2 ≤ 1e-3. A row whose keys are all masked gives the mean of their values.
enable f16;
enable subgroups;
enable chromium_experimental_subgroup_matrix;
requires subgroup_id;
//#import attention/matrix-operands
//#import attention/matrix-softmax
//#const HEAD u32
//#const WIDTH u32
//#const THREADS u32
//#const SUBGROUPS u32
//#const KEYS u32
//#const ROWS u32
//#const MAT_M u32
//#const MAT_N u32
//#const MAT_K u32
//#const HEAD_STEPS u32
//#const HEAD_TILES u32
//#const KEY_STEPS u32
//#const LOADS u32
const QUERY_TILE: u32 = SUBGROUPS * ROWS;
// Arrays are counted in words of eight halves or four f32, rows and strides too.
const TILE_WORDS: u32 = WIDTH / 8u;
const TILE_ROW: u32 = TILE_WORDS + 1u;
const SLAB_WORDS: u32 = KEYS / 4u;
const SLAB_ROW: u32 = SLAB_WORDS + 1u;
const STRIP_TILES: u32 = KEYS / MAT_N; // matrices of sums that a slab holds side by side
// Invocations that share a row, or rows of one invocation.
const ACROSS: u32 = max(THREADS / QUERY_TILE, 1u);
const ROWS_EACH: u32 = max(QUERY_TILE / THREADS, 1u);

alias Left = subgroup_matrix_left<f16, MAT_K, MAT_M>;
alias Right = subgroup_matrix_right<f16, MAT_N, MAT_K>;
alias Sums = subgroup_matrix_result<f32, MAT_N, MAT_M>;

var<workgroup> tile_k: array<vec4<u32>, KEYS * TILE_ROW>;
var<workgroup> tile_v: array<vec4<u32>, KEYS * TILE_ROW>;
var<workgroup> slabs: array<array<vec4<u32>, ROWS * SLAB_ROW>, SUBGROUPS>;
var<workgroup> row_factor: array<f32, QUERY_TILE>;
var<workgroup> scaled_block: atomic<u32>; // the last block that made some row scale its sums

@compute @workgroup_size(THREADS)
fn main(@builtin(workgroup_id) wg: vec3<u32>, @builtin(local_invocation_index) lid: u32, @builtin(subgroup_id) subgroup: u32) {
  let head = wg.y;
  let image = wg.z;
  let first_query = wg.x * QUERY_TILE;
  let total = visible_keys(first_query + QUERY_TILE - 1u);
  let multiplies = subgroup < SUBGROUPS; // an adapter may form more, smaller subgroups than planned: the others only copy
  let slab = &slabs[min(subgroup, SUBGROUPS - 1u)];

  // Queries pass through the slabs, SLAB_WORDS words of a row at a time.
  var queries: array<Left, (ROWS / MAT_M) * HEAD_STEPS>;
//#unroll chunk QUERY_CHUNKS
  workgroupBarrier();
  for (var i = lid; i < QUERY_TILE * SLAB_WORDS; i += THREADS) {
    let row = i / SLAB_WORDS;
    let column = 8u * (chunk * SLAB_WORDS + i % SLAB_WORDS);
    slabs[row / ROWS][row % ROWS * SLAB_ROW + i % SLAB_WORDS] = load_query(image, head, first_query + row, column);
  }
  workgroupBarrier();
  if (multiplies) {
//#unroll s CHUNK_STEPS
    if (chunk * (8u * SLAB_WORDS / MAT_K) + s < HEAD_STEPS) {
//#unroll i TILES_M
      queries[i * HEAD_STEPS + min(chunk * (8u * SLAB_WORDS / MAT_K) + s, HEAD_STEPS - 1u)] =
        subgroupMatrixLoad<Left, row_major>(slab, i * MAT_M * SLAB_ROW + s * MAT_K / 8u, SLAB_ROW);
//#endunroll
    }
//#endunroll
  }
//#endunroll

  var next_k: array<vec4<u32>, LOADS>;
  var next_v: array<vec4<u32>, LOADS>;
//#unroll i LOADS
  let at = lid + i * THREADS;
  let row = at / TILE_WORDS;
  let column = 8u * (at % TILE_WORDS);
  if (row < KEYS) { tile_k[row * TILE_ROW + at % TILE_WORDS] = load_key(image, head, row, total, 0u, column); }
  next_k[i] = load_key(image, head, KEYS + row, total, 0u, column);
  next_v[i] = load_key(image, head, row, total, VALUES, column);
//#endunroll
  stage_bias(image, 0u, lid);
  workgroupBarrier();

  var largest: array<f32, ROWS_EACH>; // what a row's probabilities are relative to, as a power of two
  var sums: array<f32, ROWS_EACH>; // of this invocation's probabilities
  var growth: array<f32, ROWS_EACH>;
  for (var r = 0u; r < ROWS_EACH; r++) { largest[r] = LOWEST; }
  var acc: array<Sums, (ROWS / MAT_M) * HEAD_TILES>;
  var block = 0u;
  for (var first = 0u; first < total; first += KEYS) {
    block++;
    if (multiplies) {
//#unroll j KEY_TILES
      var scores: array<Sums, ROWS / MAT_M>;
//#unroll i TILES_M
      scores[i] = Sums();
//#endunroll
//#unroll step HEAD_STEPS
      let right = subgroupMatrixLoad<Right, col_major>(&tile_k, j * MAT_N * TILE_ROW + step * MAT_K / 8u, TILE_ROW);
//#unroll i TILES_M
      scores[i] = subgroupMatrixMultiplyAccumulate(queries[i * HEAD_STEPS + step], right, scores[i]);
//#endunroll
//#endunroll
//#unroll i TILES_M
      subgroupMatrixStore<row_major>(slab, i * MAT_M * SLAB_ROW + j * MAT_N / 4u, scores[i], SLAB_ROW);
//#endunroll
//#endunroll
    }
    workgroupBarrier(); // the scores are there, the keys and the last block's values have been used
//#unroll i LOADS
    let at = lid + i * THREADS;
    let row = at / TILE_WORDS;
    if (row < KEYS) {
      tile_k[row * TILE_ROW + at % TILE_WORDS] = next_k[i];
      tile_v[row * TILE_ROW + at % TILE_WORDS] = next_v[i];
    }
//#endunroll

    let ragged = first + KEYS > min(visible_keys(first_query), total); // some row does not see some key
    for (var r = 0u; r < ROWS_EACH; r++) {
      let row = (lid + r * THREADS) / ACROSS;
      let visible = max(min(visible_keys(first_query + row), total), first) - first;
      let part = soften(row, lid % ACROSS, select(KEYS, visible, ragged), largest[r], block == 1u);
      growth[r] = part.growth;
      largest[r] = part.largest;
      sums[r] = sums[r] * part.growth + part.sum;
      if (part.growth < 1.0) { atomicMax(&scaled_block, block); }
    }
    // Also the barrier behind which the probabilities, the values and the next keys are there.
    let scaling = workgroupUniformLoad(&scaled_block) == block;

//#unroll i LOADS
    let at = lid + i * THREADS;
    let column = 8u * (at % TILE_WORDS);
    next_k[i] = load_key(image, head, first + 2u * KEYS + at / TILE_WORDS, total, 0u, column);
    next_v[i] = load_key(image, head, first + KEYS + at / TILE_WORDS, total, VALUES, column);
//#endunroll
    stage_bias(image, first + KEYS, lid);

    var probabilities: array<Left, (ROWS / MAT_M) * KEY_STEPS>;
    if (multiplies) {
//#unroll i TILES_M
//#unroll step KEY_STEPS
      probabilities[i * KEY_STEPS + step] =
        subgroupMatrixLoad<Left, row_major>(slab, i * MAT_M * SLAB_ROW + step * MAT_K / 4u, SLAB_ROW);
//#endunroll
//#endunroll
    }
    if (scaling) {
//#unroll strip STRIPS
      workgroupBarrier(); // the slab has been read
      if (multiplies) {
//#unroll j STRIP_TILES
        if (strip * STRIP_TILES + j < HEAD_TILES) {
//#unroll i TILES_M
          subgroupMatrixStore<row_major>(slab, i * MAT_M * SLAB_ROW + j * MAT_N / 4u,
            acc[i * HEAD_TILES + min(strip * STRIP_TILES + j, HEAD_TILES - 1u)], SLAB_ROW);
//#endunroll
        }
//#endunroll
      }
      workgroupBarrier();
      for (var r = 0u; r < ROWS_EACH; r++) {
        let row = (lid + r * THREADS) / ACROSS;
        for (var c = lid % ACROSS; c < SLAB_WORDS; c += ACROSS) {
          let place = &slabs[row / ROWS][row % ROWS * SLAB_ROW + c];
          *place = bitcast<vec4<u32>>(growth[r] * bitcast<vec4<f32>>(*place));
        }
      }
      workgroupBarrier();
      if (multiplies) {
//#unroll j STRIP_TILES
        if (strip * STRIP_TILES + j < HEAD_TILES) {
//#unroll i TILES_M
          acc[i * HEAD_TILES + min(strip * STRIP_TILES + j, HEAD_TILES - 1u)] =
            subgroupMatrixLoad<Sums, row_major>(slab, i * MAT_M * SLAB_ROW + j * MAT_N / 4u, SLAB_ROW);
//#endunroll
        }
//#endunroll
      }
//#endunroll
    }
    if (multiplies) {
//#unroll j HEAD_TILES
//#unroll step KEY_STEPS
      let right = subgroupMatrixLoad<Right, row_major>(&tile_v, step * MAT_K * TILE_ROW + j * MAT_N / 8u, TILE_ROW);
//#unroll i TILES_M
      acc[i * HEAD_TILES + j] =
        subgroupMatrixMultiplyAccumulate(probabilities[i * KEY_STEPS + step], right, acc[i * HEAD_TILES + j]);
//#endunroll
//#endunroll
//#endunroll
    }
  }

  for (var r = 0u; r < ROWS_EACH; r++) {
    var sum = sums[r];
    for (var step = 1u; step < ACROSS; step *= 2u) { sum += subgroupShuffleXor(sum, step); }
    row_factor[(lid + r * THREADS) / ACROSS] = 1.0 / sum;
  }
//#unroll strip STRIPS
  workgroupBarrier();
  if (multiplies) {
//#unroll j STRIP_TILES
    if (strip * STRIP_TILES + j < HEAD_TILES) {
//#unroll i TILES_M
      subgroupMatrixStore<row_major>(slab, i * MAT_M * SLAB_ROW + j * MAT_N / 4u,
        acc[i * HEAD_TILES + min(strip * STRIP_TILES + j, HEAD_TILES - 1u)], SLAB_ROW);
//#endunroll
    }
//#endunroll
  }
  workgroupBarrier();
  for (var i = lid; i < QUERY_TILE * (KEYS / 8u); i += THREADS) {
    let row = i / (KEYS / 8u);
    let column = 8u * (i % (KEYS / 8u));
    let place = row % ROWS * SLAB_ROW + column / 4u;
    let low = bitcast<vec4<f32>>(slabs[row / ROWS][place]);
    let high = bitcast<vec4<f32>>(slabs[row / ROWS][place + 1u]);
    store_result(image, head, first_query + row, strip * KEYS + column, row_factor[row] * low, row_factor[row] * high);
  }
//#endunroll
}

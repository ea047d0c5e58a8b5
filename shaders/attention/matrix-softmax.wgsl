// The softmax between the two products of attention-matrix, online: the scores of a block of keys, f32, become probabilities, f16,
// in their places in workgroup memory. ACROSS invocations share a row; a group of MAT_K scores is read and replaced by one alone,
// so that nobody waits, and a matrix of probabilities finds its columns side by side where its scores began.
// A row's sums of values must be scaled when its largest score grows. Here a row keeps an old maximum until it is 2^SLACK too
// small: probabilities up to 2¹⁵ are as precise in f16 (at most 65504) as those up to 1, and scaling is needed in none or few of
// the blocks instead of in each (the conditional rescaling of FlashAttention-4).
// WORDS_EACH is KEYS/ACROSS/4, PAIRS half of it. The importing shader has KEYS, MAT_K, ACROSS, ROWS, SLAB_ROW, SLAB_WORDS, THREADS and slabs.
const LOWEST: f32 = -1e30; // no score is less, but those of keys that a row does not see
const UNSEEN: f32 = -2e30;
const LOG2E: f32 = 1.4426950408889634;
const SLACK: f32 = 15.0;
const GROUP_WORDS: u32 = MAT_K / 4u; // words of four scores
//#const WORDS_EACH u32

var<workgroup> bias: array<vec4<f32>, SLAB_WORDS>; // of the block's keys, times LOG2E

// Masks of the block of keys that starts at `first`.
fn stage_bias(image: u32, first: u32, lid: u32) {
  for (var i = lid; i < SLAB_WORDS; i += THREADS) {
    let k = first + 4u * i;
    bias[i] = LOG2E * vec4<f32>(mask_of(image, k), mask_of(image, k + 1u), mask_of(image, k + 2u), mask_of(image, k + 3u));
  }
}

struct Softened {
  largest: f32, // what the row's probabilities are relative to from now on, as a power of two
  growth: f32, // what the row's earlier sums are to be multiplied by; 1 unless `largest` has grown
  sum: f32, // of this invocation's probabilities
}

// Row `row` of the workgroup's tile, of which this is invocation `x` of ACROSS, and of which the first `visible` keys of the block
// count. `first_block`: there are no earlier sums.
fn soften(row: u32, x: u32, visible: u32, largest: f32, first_block: bool) -> Softened {
  let start = row % ROWS * SLAB_ROW;
  var score: array<vec4<f32>, WORDS_EACH>;
  var m = UNSEEN;
//#unroll i WORDS_EACH
  let word = (i / GROUP_WORDS * ACROSS + x) * GROUP_WORDS + i % GROUP_WORDS;
  var s = bitcast<vec4<f32>>(slabs[row / ROWS][start + word]);
  s = max((p.scale * LOG2E) * s + bias[word], vec4<f32>(LOWEST));
  if (visible < KEYS) {
    let key = 4u * word;
    s = select(s, vec4<f32>(UNSEEN), vec4<u32>(key, key + 1u, key + 2u, key + 3u) >= vec4<u32>(visible));
  }
  score[i] = s;
  m = max(m, max(max(s.x, s.y), max(s.z, s.w)));
//#endunroll
  for (var step = 1u; step < ACROSS; step *= 2u) { m = max(m, subgroupShuffleXor(m, step)); }

  var result = Softened(largest, 1.0, 0.0);
  if (first_block) {
    result.largest = max(m, LOWEST);
  } else if (m > largest + SLACK) {
    result = Softened(m, exp2(largest - m), 0.0);
  }
  var sum = vec4<f32>();
//#unroll pair PAIRS
  let i = 2u * pair;
  let low = exp2(score[i] - result.largest);
  let high = exp2(score[i + 1u] - result.largest);
  sum += low + high;
  let group = (i / GROUP_WORDS * ACROSS + x) * GROUP_WORDS;
  slabs[row / ROWS][start + group + i % GROUP_WORDS / 2u] = pack(low, high);
//#endunroll
  result.sum = (sum.x + sum.y) + (sum.z + sum.w);
  return result;
}

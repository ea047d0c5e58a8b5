// Tiled product out[M, N] = A[M, K] · B[K, N] through workgroup memory; WGSL core only, any adapter.
// Layers: the grid walks over BM×BN tiles, a workgroup of TX·TY invocations computes one in steps of BK along K, an invocation
// owns RM rows × RN columns in registers. Rows of an invocation are TY apart and its vec4s of columns TX apart, so that
// neighbouring invocations touch neighbouring vec4s both here and in memory: no bank conflicts, whole cache lines.
// While a step is computed, the next one's operands are on their way from memory into registers; with STAGES 2 the steps alternate
// between two buffers and one barrier a step is enough.
// The including file supplies: struct Row; row_of(m) -> Row (any m); Depth (matmul/depth: a plain k), depth_of(k), advance(depth);
// load_a(row, depth) -> four values A[m, k…k+3], zero outside; load_b(k, n) -> B[k, n…n+3], zero outside; store(m, n, sum);
// sizes() -> (M, N, K). Grid z is `matrix`, which of a batch of products; x and y count tiles.
// Sums run over k in ascending order in f32: results do not depend on the tile's sizes (error ≤ K·2⁻²⁴·Σ|a·b|).
// TILE_F16 keeps both operands as f16 in workgroup memory, half the space and traffic; products and sums are f32 all the same.
// Assumes BK and RN multiples of 4, RM dividing BM, RN dividing BN, BK/4 dividing the number of invocations. QUADS = RN/4;
// A_LOADS and B_LOADS are the vec4s of a tile an invocation fetches, rounded up.
//#const BM u32
//#const BN u32
//#const BK u32
//#const RM u32
//#const RN u32
//#const STAGES u32
const TX: u32 = BN / RN;
const TY: u32 = BM / RM;
const THREADS: u32 = TX * TY;
const A_QUADS: u32 = BK / 4u;  // vec4s of a row of the A tile
const B_QUADS: u32 = BN / 4u;  // vec4s of a row of the B tile
//#const QUADS u32
//#const A_LOADS u32
//#const B_LOADS u32
/// Tiles of one column that follow one another before the next column begins: what runs at once shares rows of A and of B in cache.
const BAND: u32 = 8u;

//#if TILE_F16
alias TileElem = f16;
//#else
alias TileElem = f32;
//#endif
alias Tile4 = vec4<TileElem>;
/// Grid z: which of a batch of products the tile belongs to, for load_a, load_b and store.
var<private> matrix: u32;
// Arrays of arrays: an index that is a constant after unrolling needs no bounds check.
var<workgroup> tile_a: array<array<array<array<Tile4, A_QUADS>, TY>, RM>, STAGES>;  // row r·TY + ty
var<workgroup> tile_b: array<array<array<array<Tile4, TX>, QUADS>, BK>, STAGES>;    // column 4·(j·TX + tx)

@compute @workgroup_size(THREADS)
fn main(
  @builtin(workgroup_id) wg: vec3<u32>,
  @builtin(num_workgroups) groups: vec3<u32>,
  @builtin(local_invocation_index) lid: u32,
) {
  matrix = wg.z;
  let size = sizes();
  let tiles_m = (size.x + BM - 1u) / BM;
  let tiles_n = (size.y + BN - 1u) / BN;
  let tile = wg.x + wg.y * groups.x;
  if (tile >= tiles_m * tiles_n) { return; }
  let band = tile / (BAND * tiles_n) * BAND;
  let in_band = tile - band * tiles_n;
  let height = min(BAND, tiles_m - band);
  let m0 = (band + in_band % height) * BM;
  let n0 = in_band / height * BN;
  let tx = lid % TX;
  let ty = lid / TX;

  var rows: array<Row, A_LOADS>;
//#unroll i A_LOADS
  rows[i] = row_of(m0 + (lid + i * THREADS) / A_QUADS);
//#endunroll
  var depth = depth_of(lid % A_QUADS * 4u);
  var next_a: array<Tile4, A_LOADS>;
  var next_b: array<Tile4, B_LOADS>;
  var acc: array<array<vec4<f32>, QUADS>, RM>;
  // Round i fetches step i, computes step i − 1, and puts step i where all can read it.
  for (var k0 = 0u; k0 < size.z + BK; k0 += BK) {
    let stage = k0 / BK % STAGES;
    if (k0 < size.z) {
//#unroll i A_LOADS
      next_a[i] = load_a(rows[i], depth);
//#endunroll
//#unroll i B_LOADS
      let e = lid + i * THREADS;
      next_b[i] = load_b(k0 + e / B_QUADS, n0 + e % B_QUADS * 4u);
//#endunroll
      depth = advance(depth);
    }
    if (k0 > 0u) {
      let before = (stage + STAGES - 1u) % STAGES;
      for (var quad = 0u; quad < A_QUADS; quad++) {
        var b: array<array<vec4<f32>, QUADS>, 4>;
//#unroll i 4
//#unroll j QUADS
        b[i][j] = vec4<f32>(tile_b[before][quad * 4u + i][j][tx]);
//#endunroll
//#endunroll
//#unroll r RM
        let a = vec4<f32>(tile_a[before][r][ty][quad]);
//#unroll j QUADS
        acc[r][j] = fma(vec4<f32>(a.w), b[3][j], fma(vec4<f32>(a.z), b[2][j],
          fma(vec4<f32>(a.y), b[1][j], fma(vec4<f32>(a.x), b[0][j], acc[r][j]))));
//#endunroll
//#endunroll
      }
    }
    if (STAGES == 1u) { workgroupBarrier(); }
    if (k0 < size.z) {
//#unroll i A_LOADS
      let e = lid + i * THREADS;
      if (BM * A_QUADS % THREADS == 0u || e < BM * A_QUADS) {
        tile_a[stage][e / (A_QUADS * TY)][e / A_QUADS % TY][e % A_QUADS] = next_a[i];
      }
//#endunroll
//#unroll i B_LOADS
      let e = lid + i * THREADS;
      if (BK * B_QUADS % THREADS == 0u || e < BK * B_QUADS) {
        tile_b[stage][e / B_QUADS][e % B_QUADS / TX][e % TX] = next_b[i];
      }
//#endunroll
    }
    workgroupBarrier();
  }

  // One copy of the epilogue's code instead of RM·QUADS: a loop of unknown length is never unrolled. It indexes a copy, so that
  // the accumulators stay in registers.
  var sums: array<vec4<f32>, RM * QUADS>;
//#unroll r RM
//#unroll j QUADS
  sums[r * QUADS + j] = acc[r][j];
//#endunroll
//#endunroll
  let rows_left = (max(size.x, m0 + ty) - (m0 + ty) + TY - 1u) / TY;
  for (var i = 0u; i < min(RM, rows_left) * QUADS; i++) {
    let n = n0 + (i % QUADS * TX + tx) * 4u;
    if (n < size.y) { store(m0 + i / QUADS * TY + ty, n, sums[i]); }
  }
}

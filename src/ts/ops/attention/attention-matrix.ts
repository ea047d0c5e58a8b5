import { matrixShapes } from '../matmul/matrix-tile.js';
import type { DeviceCaps, Kernel, MatrixConfig, OpCall, Tuning, Variant } from '../types.js';
import { attentionBindings, attentionOf, attentionParams } from './attention-call.js';

/** Subgroups of a workgroup, queries of a subgroup, keys of a block. */
type Tile = Readonly<Record<'SUBGROUPS' | 'ROWS' | 'KEYS', number>>;

/** A tile and the shape of the matrix unit that it is made of. */
type MatrixTuning = Tile & Readonly<Record<'MAT_M' | 'MAT_N' | 'MAT_K', number>>;

const tile = (SUBGROUPS: number, ROWS: number, KEYS: number): Tile => ({ SUBGROUPS, ROWS, KEYS });

/**
 * With 32 queries a subgroup, keys and values are read half as often from workgroup memory as with 16, by half as many subgroups.
 * More keys a block mean fewer barriers, and more workgroup memory and registers.
 */
const TILES: readonly Tile[] = [
  tile(4, 32, 32),
  tile(4, 32, 64),
  tile(8, 16, 64),
  tile(8, 16, 32),
  tile(8, 32, 32),
  tile(2, 32, 32),
  tile(2, 32, 64),
  tile(4, 16, 64),
  tile(4, 16, 32),
  tile(2, 16, 64),
  tile(2, 16, 32),
  tile(1, 32, 32),
  tile(1, 16, 32),
];

/** Workgroups and subgroups of one image that keep a large GPU busy; with fewer, smaller tiles of queries are better. */
const ENOUGH_WORKGROUPS = 128;
const ENOUGH_SUBGROUPS = 1024;

/** Registers of 32 bits that an invocation may fill with what lives through a block; GPUs have 255. */
const MAX_REGISTERS = 200;

/** Columns of a head as whole matrices. */
const widthOf = (headSize: number, { MAT_N, MAT_K }: MatrixTuning): number => {
  const unit = Math.max(MAT_N, MAT_K);
  return Math.ceil(headSize / unit) * unit;
};

/** Invocations that share a row of scores. */
const acrossOf = (t: MatrixTuning, threads: number): number => Math.max(threads / (t.SUBGROUPS * t.ROWS), 1);

const loadsOf = (t: MatrixTuning, headSize: number, threads: number): number =>
  Math.ceil((t.KEYS * widthOf(headSize, t)) / 8 / threads);

/** Bytes of workgroup memory. */
export function matrixAttentionBytes(tuning: Tuning, headSize: number): number {
  const t = tuning as MatrixTuning;
  const queries = t.SUBGROUPS * t.ROWS;
  const tiles = 2 * t.KEYS * (widthOf(headSize, t) / 8 + 1) * 16;
  return tiles + queries * (t.KEYS / 4 + 1) * 16 + 4 * t.KEYS + 4 * queries + 16;
}

function fits(t: MatrixTuning, headSize: number, caps: DeviceCaps): boolean {
  const threads = t.SUBGROUPS * caps.subgroupMaxSize;
  const across = acrossOf(t, threads);
  if (threads > caps.maxInvocations || t.ROWS % t.MAT_M !== 0) return false;
  if (t.KEYS % t.MAT_N !== 0 || t.KEYS % (t.MAT_K * across) !== 0) return false;
  const width = widthOf(headSize, t);
  const perThread = (1.5 * t.ROWS * width + 0.5 * t.ROWS * t.KEYS) / caps.subgroupMaxSize;
  const registers = perThread + 8 * loadsOf(t, headSize, threads) + t.KEYS / across;
  // Subgroups of 8 and less are a CPU's, whose registers are memory.
  if (caps.subgroupMaxSize > 8 && registers > MAX_REGISTERS) return false;
  return matrixAttentionBytes(t, headSize) <= caps.maxWorkgroupBytes;
}

/** Tiles that run on this adapter, the likeliest first, for its largest matrix shape; then a few for its other shapes. */
function matrixTunings(call: OpCall, caps: DeviceCaps): readonly MatrixTuning[] {
  const { headSize, queries, heads } = attentionOf(call);
  if (caps.subgroupMaxSize === 0 || headSize % 4 !== 0) return [];
  const enough = (rows: number): boolean => heads * Math.ceil(queries / rows) >= ENOUGH_WORKGROUPS;
  const wanted = [128, 64].find(enough) ?? 32;
  const rows = heads * Math.ceil(queries / 32) >= ENOUGH_SUBGROUPS ? 32 : 16;
  const distance = (t: Tile): number =>
    Math.abs(Math.log2((t.SUBGROUPS * t.ROWS) / wanted)) + (t.ROWS === rows ? 0 : 0.5);
  const ranked = [...TILES].sort((a, b) => distance(a) - distance(b));
  const of = ({ M, N, K }: MatrixConfig): MatrixTuning[] =>
    ranked.map((t) => ({ ...t, MAT_M: M, MAT_N: N, MAT_K: K })).filter((t) => fits(t, headSize, caps));
  const [first, ...others] = matrixShapes(caps);
  return first === undefined ? [] : [...of(first), ...others.flatMap((shape) => of(shape).slice(0, 2))];
}

function defines(tuning: Tuning, headSize: number, caps: DeviceCaps): Record<string, number | boolean> {
  const t = tuning as MatrixTuning;
  const width = widthOf(headSize, t);
  const threads = t.SUBGROUPS * caps.subgroupMaxSize;
  const words = t.KEYS / acrossOf(t, threads) / 4;
  return {
    ...t,
    WORDS_EACH: words,
    PAIRS: words / 2,
    EIGHTS: headSize % 8 === 0,
    HEAD: headSize,
    WIDTH: width,
    THREADS: threads,
    TILES_M: t.ROWS / t.MAT_M,
    HEAD_STEPS: width / t.MAT_K,
    HEAD_TILES: width / t.MAT_N,
    KEY_STEPS: t.KEYS / t.MAT_K,
    KEY_TILES: t.KEYS / t.MAT_N,
    LOADS: loadsOf(t, headSize, threads),
    QUERY_CHUNKS: Math.ceil(width / (2 * t.KEYS)),
    CHUNK_STEPS: Math.min(2 * t.KEYS, width) / t.MAT_K,
    STRIPS: Math.ceil(width / t.KEYS),
    STRIP_TILES: t.KEYS / t.MAT_N,
  };
}

/** Both products on matrix units, f16 operands, f32 sums and softmax. Few queries, as a cache is read by, would leave them idle. */
export const matrix: Variant = {
  name: 'matrix',
  supports: (call, caps) =>
    call.dtype === 'f16' &&
    caps.f16 &&
    caps.subgroups &&
    attentionOf(call).position === null &&
    matrixTunings(call, caps).length > 0,
  tunings: matrixTunings,
  lower(call, caps, tuning): Kernel[] {
    const a = attentionOf(call);
    const { SUBGROUPS, ROWS } = tuning as MatrixTuning;
    return [
      {
        shader: 'attention/attention-matrix',
        defines: defines(tuning, a.headSize, caps),
        constants: {},
        bindings: attentionBindings(a),
        params: attentionParams(a),
        grid: [Math.ceil(a.queries / (SUBGROUPS * ROWS)), a.heads, a.batch],
      },
    ];
  },
};

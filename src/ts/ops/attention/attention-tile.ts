import { storageDefines } from '../lowering.js';
import type { DeviceCaps, Kernel, OpCall, Tuning } from '../types.js';
import { attentionBindings, attentionOf, attentionParams } from './attention-call.js';

/** How the invocations of attention-tile work together. */
export interface TileForm {
  /** Rows of invocations exchange by shuffles, else through workgroup memory. */
  readonly subgroups: boolean;
  /** Operands in workgroup memory are f16, else f32. */
  readonly stageF16: boolean;
  /** Invocations that share a row of queries. With subgroups, a divisor of every size a subgroup may have. */
  readonly across: number;
}

/** Queries and keys of a tile, and queries an invocation holds. */
interface Tile extends Tuning {
  readonly queries: number;
  readonly keys: number;
  readonly rows: number;
}

const TILES: readonly Tile[] = [
  { queries: 64, keys: 64, rows: 8 },
  { queries: 64, keys: 64, rows: 4 },
  { queries: 64, keys: 32, rows: 8 },
  { queries: 64, keys: 32, rows: 4 },
  { queries: 128, keys: 64, rows: 8 },
  { queries: 32, keys: 32, rows: 4 },
  { queries: 32, keys: 64, rows: 4 },
  { queries: 32, keys: 32, rows: 2 },
  { queries: 16, keys: 32, rows: 2 },
  { queries: 16, keys: 32, rows: 1 },
  { queries: 8, keys: 32, rows: 1 },
];

/** Registers an invocation may fill with scores, results and keys; GPUs have 255 and need some for addresses. */
const MAX_REGISTERS = 192;

/** Bytes of workgroup memory. */
export function tileWorkgroupBytes(tuning: Tuning, headSize: number, form: TileForm): number {
  const { queries, keys } = tuning as Tile;
  const vec4 = form.stageF16 ? 8 : 16;
  const exchange = form.subgroups ? 0 : queries * ((keys / 4) | 1) * vec4 + queries * form.across * 4;
  return (queries + keys) * ((headSize / 4) | 1) * vec4 + exchange;
}

function fits(tile: Tile, headSize: number, form: TileForm, caps: DeviceCaps): boolean {
  const lanes = (tile.queries / tile.rows) * form.across;
  const held = tile.keys / form.across;
  if (lanes > caps.maxInvocations || held < 1 || (!form.subgroups && held % 4 !== 0)) return false;
  const owned = Math.ceil(headSize / 4 / form.across);
  if (tile.rows * held + 4 * tile.rows * owned + 4 * held > MAX_REGISTERS) return false;
  return tileWorkgroupBytes(tile, headSize, form) <= caps.maxWorkgroupBytes;
}

/**
 * Tiles of attention-tile for a call, the likeliest first; none where the adapter has room for none, or where the head size is
 * no multiple of 4. Few queries get a flat tile, so that there are enough workgroups.
 */
export function tileTunings(call: OpCall, caps: DeviceCaps, form: TileForm): readonly Tuning[] {
  const { headSize, queries } = attentionOf(call);
  if (headSize % 4 !== 0) return [];
  const wanted = queries > 128 ? 64 : queries > 16 ? 32 : 8;
  const distance = (t: Tile): number => Math.abs(Math.log2(t.queries / wanted));
  return TILES.filter((t) => fits(t, headSize, form, caps)).sort((a, b) => distance(a) - distance(b));
}

export function lowerTile(call: OpCall, form: TileForm, tuning: Tuning): Kernel[] {
  const a = attentionOf(call);
  const { queries, keys, rows } = tuning as Tile;
  const held = keys / form.across;
  return [
    {
      shader: 'attention/attention-tile',
      defines: {
        ...storageDefines(call.dtype),
        SUBGROUPS: form.subgroups,
        POSITION: a.position !== null,
        STAGE_F16: form.stageF16,
        HEAD: a.headSize,
        ACROSS: form.across,
        GROUPS: queries / rows,
        ROWS: rows,
        KEYS: held,
        OWNED: Math.ceil(a.headSize / 4 / form.across),
        SCORES: rows * held,
        QUADS: held / 4,
      },
      constants: {},
      bindings: attentionBindings(a),
      params: attentionParams(a),
      grid: [Math.ceil(a.queries / queries), a.heads, a.batch],
    },
  ];
}

import type { CompiledGraph } from '../graph/compile.js';
import type { Tensor } from '../graph/types.js';
import { elementCount } from '../graph/types.js';
import { f32Bits, grid1d, params } from '../ops/lowering.js';
import type { DeviceCaps, Kernel, MatrixConfig, OpRecord } from '../ops/types.js';
import type { KernelTimer, TimeOptions } from '../runtime/kernel-timer.js';
import { randomWeights } from '../runtime/random-data.js';
import type { Roofline, Unit } from './schema.js';
import { spreadOf } from './statistics.js';

/** A kernel that does nothing but what is to be measured. */
export interface Probe {
  readonly name: string;
  readonly unit: Unit | 'memory';
  readonly kernel: Omit<Kernel, 'bindings'>;
  /** Words of each buffer that it binds. */
  readonly words: readonly number[];
  /** Operations of a dispatch, or bytes read and written. */
  readonly work: number;
}

/** Work of an arithmetic probe: some milliseconds on either kind of adapter. */
interface Load {
  readonly groups: number;
  readonly rounds: number;
}

const STEPS = 8;

const loadOf = (caps: DeviceCaps, share = 1): Load =>
  caps.software ? { groups: 64, rounds: 128 * share } : { groups: 8192, rounds: 128 };

function vectorProbe(type: 'f32' | 'f16', chains: number, { groups, rounds }: Load): Probe {
  return {
    name: `${type} FMA, ${chains} x vec4`,
    unit: type,
    kernel: {
      shader: 'bench/peak-fma',
      defines: { F16: type === 'f16', STEPS, CHAINS: chains },
      constants: {},
      params: params(rounds, f32Bits(0.5), f32Bits(1)),
      grid: [groups, 1, 1],
    },
    words: [groups * 64 * 4],
    work: groups * 64 * rounds * STEPS * chains * 4 * 2,
  };
}

function dot4Probe(chains: number, { groups, rounds }: Load): Probe {
  return {
    name: `int8 dot4, ${chains} chains`,
    unit: 'int8',
    kernel: {
      shader: 'bench/peak-dot4',
      defines: { STEPS, CHAINS: chains },
      constants: {},
      params: params(rounds, 0x01030507),
      grid: [groups, 1, 1],
    },
    words: [groups * 64],
    work: groups * 64 * rounds * STEPS * chains * 8,
  };
}

/** Switches of peak-matrix.wgsl by element types; a shape of other types is not measured. */
const OPERANDS: Readonly<Record<string, string>> = { f16: 'F16', f32: 'F32', i8: 'I8' };
const SUMS: Readonly<Record<string, string>> = { f16: 'SUM_F16', f32: 'SUM_F32', i32: 'SUM_I32' };
const MATRIX_UNITS: Readonly<Record<string, Unit>> = { f16: 'matrix-f16', f32: 'matrix', i32: 'matrix-i8' };

function matrixProbe(c: MatrixConfig, chains: number, caps: DeviceCaps, { groups, rounds }: Load): Probe | undefined {
  const [operand, sum] = [OPERANDS[c.componentType], SUMS[c.resultComponentType]];
  if (operand === undefined || sum === undefined) return undefined;
  return {
    name: `matrix ${c.M}x${c.N}x${c.K} ${c.componentType}->${c.resultComponentType}, ${chains} chains`,
    unit: MATRIX_UNITS[c.resultComponentType]!,
    kernel: {
      shader: 'bench/peak-matrix',
      defines: {
        [operand]: true,
        [sum]: true,
        RELOAD: caps.software,
        ...{ STEPS, CHAINS: chains, LANES: caps.subgroupMaxSize, MAT_M: c.M, MAT_N: c.N, MAT_K: c.K },
      },
      constants: {},
      params: params(rounds),
      grid: [groups, 1, 1],
    },
    words: [groups * chains * c.M * c.N],
    work: groups * rounds * STEPS * chains * 2 * c.M * c.N * c.K,
  };
}

const COPY_ITEMS = 4;

function copyProbe(bytes: number): Probe {
  const count = bytes / 16;
  const grid = grid1d(Math.ceil(count / (256 * COPY_ITEMS)));
  return {
    name: `copy ${bytes >= 2 ** 20 ? `${bytes / 2 ** 20} MiB` : `${bytes / 2 ** 10} KiB`}`,
    unit: 'memory',
    kernel: {
      shader: 'bench/copy',
      defines: { ITEMS: COPY_ITEMS },
      constants: {},
      params: params(grid[0] * grid[1] * 256, count),
      grid,
    },
    words: [bytes / 4, bytes / 4],
    work: 2 * bytes,
  };
}

/** Sizes of one side of a copy: within caches, and one beyond them. */
function copySizes(caps: DeviceCaps): { within: number[]; beyond: number } {
  const most = 2 ** Math.floor(Math.log2(caps.maxBindingBytes));
  const beyond = Math.min((caps.software ? 64 : 512) * 2 ** 20, most);
  return { within: [2 ** 18, 2 ** 22, 2 ** 24].filter((bytes) => bytes < beyond), beyond };
}

/** Every probe that an adapter can run. */
export function probes(caps: DeviceCaps): Probe[] {
  const load = loadOf(caps);
  const slow = loadOf(caps, 0.25);
  const chains = [4, 8];
  const { within, beyond } = copySizes(caps);
  const arithmetic = [
    ...chains.map((n) => vectorProbe('f32', n, load)),
    ...(caps.f16 ? chains.map((n) => vectorProbe('f16', n, slow)) : []),
    dot4Probe(8, slow),
    ...caps.matrixConfigs.flatMap((c) => chains.map((n) => matrixProbe(c, n, caps, slow))),
  ].filter((p) => p !== undefined);
  return [...arithmetic, ...[...within, beyond].map(copyProbe)];
}

/** A probe as a compiled graph of one node: what the kernel timer times. */
export function probeGraph(probe: Probe): CompiledGraph {
  const tensors = probe.words.map((words, id): Tensor => {
    return { id, name: `buffer${id}`, shape: [words], dtype: 'u32', kind: 'state' };
  });
  const ids = tensors.map((t) => t.id);
  const node = { op: 'probe', inputs: [], outputs: ids, attrs: {}, label: probe.name };
  const record: OpRecord = {
    name: node.op,
    summary: probe.name,
    infer: () => probe.words.map((words) => [words]),
    variants: [],
    flops: () => probe.work,
    bytes: () => 4 * probe.words.reduce((sum, words) => sum + words, 0),
    tolerance: { f32: { relL2: 0, maxAbs: 0 }, f16: { relL2: 0, maxAbs: 0 } },
  };
  const call = { inputs: [], outputs: tensors, scratch: [], attrs: {}, dtype: 'f32' as const, label: probe.name };
  const bindings = ids.map((tensor) => ({ tensor, access: 'readWrite' as const }));
  const kernels = [{ ...probe.kernel, bindings }];
  const outputs = Object.fromEntries(tensors.map((t) => [t.name, t.id]));
  return {
    graph: { name: probe.name, dtype: 'f32', tensors, nodes: [node], inputs: {}, outputs },
    tensors,
    nodes: [{ node, call, record, variant: 'probe', tuning: {}, kernels }],
    plan: { offsets: new Map(), arenaBytes: 0, lowerBoundBytes: 0 },
    dispatches: 1,
    weightBytes: 0,
    stateBytes: tensors.reduce((sum, t) => sum + 4 * elementCount(t.shape), 0),
  };
}

export interface RooflineHooks {
  readonly signal?: AbortSignal;
  readonly begin: (name: string) => void;
  readonly done: (name: string, medianMs: number) => void;
}

/** Measured peaks of an adapter, each from its fastest run: arithmetic by loops in registers, memory by copies within and beyond its caches. */
export async function measureRoofline(
  timer: KernelTimer,
  caps: DeviceCaps,
  options: TimeOptions,
  hooks: RooflineHooks,
): Promise<Roofline> {
  const { beyond } = copySizes(caps);
  const roofline: Roofline = { compute: [], memory: [] };
  for (const probe of probes(caps)) {
    if (hooks.signal?.aborted) break;
    hooks.begin(probe.name);
    const graph = probeGraph(probe);
    // One set: a copy within a cache must find its bytes there, and the largest does not fit any.
    const operands = await timer.operands(graph, randomWeights(), { maxSets: 1, budgetBytes: 4 * 2 ** 30 });
    try {
      const timing = await timer.time(graph, operands, options);
      const peak = { name: probe.name, value: probe.work / 1e6 / timing.minMs, ms: spreadOf(timing) };
      if (probe.unit === 'memory') {
        const bytes = 4 * probe.words[0]!;
        roofline.memory.push({ ...peak, bytes, beyondCache: bytes === beyond });
      } else roofline.compute.push({ ...peak, unit: probe.unit });
      hooks.done(probe.name, timing.medianMs);
    } finally {
      operands.destroy();
    }
  }
  return roofline;
}

/** Best of the measured peaks of a unit, GFLOP/s; undefined where none was measured. */
export const peakOf = (r: Roofline, unit: Unit): number | undefined =>
  r.compute
    .filter((p) => p.unit === unit)
    .reduce<number | undefined>((best, p) => Math.max(best ?? 0, p.value), undefined);

/** Measured copy bandwidth beyond the caches, GB/s. */
export const bandwidthOf = (r: Roofline): number | undefined => r.memory.find((p) => p.beyondCache)?.value;

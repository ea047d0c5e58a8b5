import { GraphBuilder, type T } from '../../src/ts/graph/builder.js';
import { quantizeWeights } from '../../src/ts/graph/quantize.js';
import type { ActivationDType } from '../../src/ts/graph/types.js';
import type { DeviceCaps, Tuning } from '../../src/ts/ops/types.js';
import { Runtime } from '../../src/ts/runtime/runtime.js';
import { jsWeights } from './js-weights.js';

export interface OpRun {
  /** Emits the op under test; what it returns becomes the output. State tensors may be written besides. */
  readonly build: (g: GraphBuilder) => T | undefined;
  /** Values of `g.input(name, …)` tensors, channels last. */
  readonly inputs: Readonly<Record<string, Float32Array | Uint32Array>>;
  /** Values of weights in PyTorch's order. */
  readonly weights?: Readonly<Record<string, Float32Array>>;
  readonly dtype?: ActivationDType;
  /** Variant forced by op name, or one name for all ops. Naming one that does not run this call is an error. */
  readonly variants?: Readonly<Record<string, string>> | string;
  /** Tuning of the forced variants by op name. */
  readonly tunings?: Readonly<Record<string, Tuning>>;
  /** Matrix weights of any size in 8 bits. */
  readonly quantized?: boolean;
  /** What the kernels shall take the adapter for. */
  readonly caps?: Partial<DeviceCaps>;
  /** Read back besides the output. */
  readonly states?: readonly string[];
}

export interface OpResult {
  readonly output: Float32Array;
  readonly words: Uint32Array;
  readonly states: Readonly<Record<string, Float32Array>>;
  /** op:variant of every node that ran, after fusion. */
  readonly ran: readonly string[];
}

/** Two NaNs in f16, one in f32: what a kernel forgets to write is seen. */
const POISON = 0xffffffff;

const runtimes = new Map<string, Promise<Runtime>>();

/** One runtime per variant choice, for the whole test file. */
export function testRuntime(
  variants?: OpRun['variants'],
  tunings?: OpRun['tunings'],
  caps?: OpRun['caps'],
): Promise<Runtime> {
  const key = JSON.stringify([variants, tunings, caps]);
  let runtime = runtimes.get(key);
  if (runtime === undefined) {
    runtime = Runtime.open({ ...(variants && { variants }), ...(tunings && { tunings }), ...(caps && { caps }) });
    runtimes.set(key, runtime);
  }
  return runtime;
}

let serial = 0;

/** Runs a small graph on the real device with poisoned arena and outputs. */
export async function runOp(run: OpRun): Promise<OpResult> {
  const runtime = await testRuntime(run.variants, run.tunings, run.caps);
  const g = new GraphBuilder('test', { dtype: run.dtype ?? 'f32' });
  const out = run.build(g);
  if (out !== undefined) g.output('output', out);
  const built = g.build();
  const graph = run.quantized ? quantizeWeights(built, { channels: 1, weights: 1 }) : built;
  const program = runtime.program(`test${serial++}`, graph, jsWeights(run.weights ?? {}));
  const names = [...Object.keys(graph.inputs), ...Object.keys(graph.outputs)];
  for (const name of names) {
    const { buffer } = program.state(name);
    runtime.device.gpu.queue.writeBuffer(buffer, 0, new Uint32Array(buffer.size / 4).fill(POISON));
  }
  for (const [name, values] of Object.entries(run.inputs)) program.state(name).write(values);
  await program.prepare();
  if (runtime.arena.bytes > 0) {
    const arena = runtime.arena.buffer();
    runtime.device.gpu.queue.writeBuffer(arena, 0, new Uint32Array(arena.size / 4).fill(POISON));
  }
  runtime.submit([program]);
  await runtime.device.idle();
  const output = out === undefined ? new Float32Array(0) : await program.state('output').read();
  const words = out === undefined ? new Uint32Array(0) : await program.state('output').readWords();
  const states: Record<string, Float32Array> = {};
  for (const name of run.states ?? []) states[name] = await program.state(name).read();
  program.destroy();
  return { output, words, states, ran: program.compiled.nodes.map((n) => `${n.node.op}:${n.variant}`) };
}

/** Relative L2 and largest absolute difference of a result against its reference. */
export function errors(result: ArrayLike<number>, reference: ArrayLike<number>): { relL2: number; maxAbs: number } {
  if (result.length !== reference.length) throw new Error(`${result.length} values against ${reference.length}`);
  let squares = 0;
  let norm = 0;
  let maxAbs = 0;
  for (let i = 0; i < result.length; i++) {
    const d = result[i]! - reference[i]!;
    squares += d * d;
    norm += reference[i]! * reference[i]!;
    maxAbs = Number.isNaN(d) ? Number.NaN : Math.max(maxAbs, Math.abs(d));
  }
  return { relL2: Math.sqrt(squares / Math.max(norm, 1e-30)), maxAbs };
}

/** Seeded uniform numbers with unit variance. */
export function randomArray(length: number, seed: number): Float32Array {
  let s = (seed * 2654435761 + 12345) >>> 0;
  const out = new Float32Array(length);
  for (let i = 0; i < length; i++) {
    s = (Math.imul(s, 1664525) + 1013904223) >>> 0;
    s ^= s >>> 15;
    out[i] = ((s >>> 0) / 2 ** 32 - 0.5) * Math.sqrt(12);
  }
  return out;
}

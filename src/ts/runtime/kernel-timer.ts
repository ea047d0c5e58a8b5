import { gpuError } from '../gpu/instance.js';
import type { CompiledGraph } from '../graph/compile.js';
import { elementCount, tensorBytes } from '../graph/types.js';
import { UnclipError } from '../util/errors.js';
import { fromHalfArray } from '../util/half.js';
import { quantile } from '../util/statistics.js';
import { BoundGraph } from './bound-graph.js';
import { type OperandOptions, OperandSets } from './operand-sets.js';
import type { WeightSource } from './residency.js';
import type { Runtime } from './runtime.js';

export interface TimeOptions {
  /** Timed runs. Default 20. */
  readonly samples?: number;
  /**
   * A sample repeats the graph until it takes this long, so that the clock's grain and the pass's own cost do not count. Default
   * 1 ms on CPU drivers, 0.2 ms on GPUs; ten times as much where there are no timestamps.
   */
  readonly minSampleMs?: number;
  /** Runs in a sample, where a timing of the same graph has found them already. */
  readonly repeats?: number;
  /** About how long all samples may take together: slow graphs get fewer samples, at least `minSamples`. Default: no bound. */
  readonly maxMs?: number;
  /** Default 3, at most `samples`. */
  readonly minSamples?: number;
  /** A graph that takes longer is given one sample, its first. */
  readonly giveUpMs?: number;
  /** Work before the samples, for clocks to rise. Default 20 ms on GPUs, none on CPU drivers. */
  readonly warmUpMs?: number;
}

/** Times of one run of a graph. */
export interface KernelTiming {
  /** Milliseconds of a run, one number a sample, in the order of measurement. */
  readonly samplesMs: readonly number[];
  readonly medianMs: number;
  readonly minMs: number;
  readonly p10Ms: number;
  readonly p90Ms: number;
  /** (p90 − p10) / median. */
  readonly spread: number;
  /** Runs in a sample. */
  readonly repeats: number;
  /** Sets of operands that the runs took turns with, and the bytes of all of them. */
  readonly rotations: number;
  readonly rotatedBytes: number;
  /** `gpu`: timestamps of the adapter. `wall`: from submit to done, where it has none. */
  readonly clock: 'gpu' | 'wall';
  /** Wall time of making the pipelines and of the first run, in which some drivers compile. */
  readonly firstMs: number;
}

/** Most runs in one sample: what it takes to record them stays small. */
const MAX_REPEATS = 500;
/** Below this an estimate is made of the best of several: a machine that does other things takes a thread away for as long. */
const STEADY_MS = 20;

/**
 * Times compiled graphs of one or a few nodes on the device: by its own timestamps, over operands that no cache holds, each run
 * after the one before has finished (as in the engine), warmed up.
 *
 *     const timer = new KernelTimer(runtime);
 *     const operands = await timer.operands(compiled, randomWeights());
 *     const { medianMs } = await timer.time(compiled, operands);
 *     const { output } = await timer.run(compiled, operands);
 *     operands.destroy();
 *     timer.destroy();
 */
export class KernelTimer {
  readonly #runtime: Runtime;
  readonly #querySet: GPUQuerySet | undefined;
  readonly #capacity: number;

  /** @param options clock `wall` leaves timestamps unused; capacity: most samples of one {@link time} */
  constructor(runtime: Runtime, options: { readonly clock?: 'auto' | 'wall'; readonly capacity?: number } = {}) {
    const { clock = 'auto', capacity = 512 } = options;
    this.#runtime = runtime;
    this.#capacity = capacity;
    const { device } = runtime;
    if (clock === 'auto' && device.adapter.features.includes('timestamp-query'))
      this.#querySet = device.gpu.createQuerySet({ type: 'timestamp', count: 2 * capacity });
  }

  /** Operands to run a graph on; they serve every compilation of the same graph, whatever its variants. Destroy them after use. */
  operands(compiled: CompiledGraph, source: WeightSource, options: OperandOptions = {}): Promise<OperandSets> {
    return OperandSets.create(this.#runtime.device, compiled, source, options);
  }

  /** Makes the pipelines of a graph, so that a later run finds them. @throws UnclipError GPU_SHADER_INVALID */
  async prepare(compiled: CompiledGraph): Promise<void> {
    const kernels = compiled.nodes.flatMap((n) => n.kernels);
    await Promise.all(kernels.map((kernel) => this.#runtime.pipelines.get(kernel)));
  }

  /**
   * Times a graph.
   * @throws UnclipError GPU_SHADER_INVALID (a kernel does not compile), GPU_DEVICE_LOST, GPU_OUT_OF_MEMORY
   */
  async time(compiled: CompiledGraph, operands: OperandSets, options: TimeOptions = {}): Promise<KernelTiming> {
    const begin = performance.now();
    const bound = await BoundGraph.create(this.#runtime, compiled, operands, operands.count);
    try {
      await this.#wall(() => this.#submit(bound, 0, 1));
      const firstMs = performance.now() - begin;
      const { software } = this.#runtime.device.caps;
      const clock = this.#querySet === undefined ? 'wall' : 'gpu';
      const enough = options.minSampleMs ?? (software ? 1 : 0.2) * (clock === 'wall' ? 10 : 1);
      const { samples, repeats, ms } = await this.#calibrate(bound, operands.count, enough, options);
      const warmUps = Math.floor((options.warmUpMs ?? (software ? 0 : 20)) / Math.max(ms * repeats, 0.1));
      const hopeless = ms > (options.giveUpMs ?? Number.POSITIVE_INFINITY);
      for (let s = 0; s < warmUps && !hopeless; s++) this.#submit(bound, s, repeats);
      const samplesMs = hopeless ? [ms] : await this.#measure(bound, operands.count, samples, repeats);
      const medianMs = quantile(samplesMs, 0.5);
      const [p10Ms, p90Ms] = [quantile(samplesMs, 0.1), quantile(samplesMs, 0.9)];
      return {
        samplesMs,
        medianMs,
        minMs: Math.min(...samplesMs),
        p10Ms,
        p90Ms,
        spread: medianMs > 0 ? (p90Ms - p10Ms) / medianMs : 0,
        repeats,
        rotations: operands.count,
        rotatedBytes: operands.count * operands.setBytes,
        clock,
        firstMs,
      };
    } finally {
      bound.destroy();
    }
  }

  /**
   * Runs a graph once on fresh operands. What it does not write is NaN.
   * @returns every output by name, channels last; integers as numbers
   */
  async run(compiled: CompiledGraph, operands: OperandSets): Promise<Record<string, Float32Array>> {
    const { device } = this.#runtime;
    await operands.reset();
    const bound = await BoundGraph.create(this.#runtime, compiled, operands, 1);
    try {
      bound.poison();
      this.#submit(bound, 0, 1);
      const results: Record<string, Float32Array> = {};
      for (const [name, id] of Object.entries(compiled.graph.outputs)) {
        const tensor = compiled.tensors[id]!;
        const place = operands.place(compiled.tensors[tensor.aliasOf ?? id]!, 0);
        if (place === undefined) continue;
        const bytes = await device.readBuffer(place.buffer, place.offset, tensorBytes(tensor));
        const count = elementCount(tensor.shape);
        if (tensor.dtype === 'f16') results[name] = fromHalfArray(new Uint16Array(bytes, 0, count));
        else if (tensor.dtype === 'f32') results[name] = new Float32Array(bytes, 0, count);
        else results[name] = Float32Array.from(new Uint32Array(bytes, 0, count));
      }
      device.check();
      return results;
    } finally {
      bound.destroy();
    }
  }

  destroy(): void {
    this.#querySet?.destroy();
  }

  /** How often a sample repeats the graph, and how many samples the time allows. */
  async #calibrate(
    bound: BoundGraph,
    sets: number,
    enoughMs: number,
    options: TimeOptions,
  ): Promise<{ samples: number; repeats: number; ms: number }> {
    const { samples: wanted = 20, minSamples = 3, repeats: fixed } = options;
    const { maxMs = Number.POSITIVE_INFINITY, giveUpMs = Number.POSITIVE_INFINITY } = options;
    const most = Math.min(wanted, this.#capacity);
    const estimate = async (): Promise<number> => {
      const [ms] = (await this.#measure(bound, sets, 1, repeats)) as [number];
      return ms * repeats >= STEADY_MS ? ms : Math.min(ms, ...(await this.#measure(bound, sets, 2, repeats)));
    };
    let repeats = fixed ?? 1;
    let ms = await estimate();
    // A busy machine may take the thread away from one, not likely from two.
    if (ms > giveUpMs) ms = Math.min(ms, await estimate());
    // The first estimate holds the pass's own cost; a longer one comes closer.
    for (let round = 0; fixed === undefined && ms < giveUpMs && round < 3 && ms * repeats < enoughMs; round++) {
      const wish = Math.ceil(enoughMs / Math.max(ms, enoughMs / MAX_REPEATS));
      if (repeats >= MAX_REPEATS) break;
      repeats = Math.min(MAX_REPEATS, Math.max(repeats + 1, wish));
      ms = await estimate();
    }
    const affordable = Math.floor(maxMs / Math.max(ms * repeats, 1e-6));
    return { samples: Math.max(Math.min(minSamples, most), Math.min(most, affordable)), repeats, ms };
  }

  /** Milliseconds of a run, one number a sample; each sample begins with another set of operands. */
  async #measure(bound: BoundGraph, sets: number, samples: number, repeats: number): Promise<number[]> {
    const querySet = this.#querySet;
    const times: number[] = [];
    if (querySet === undefined) {
      for (let s = 0; s < samples; s++) times.push(await this.#wall(() => this.#submit(bound, s * repeats, repeats)));
      return times.map((ms) => ms / repeats);
    }
    const { device } = this.#runtime;
    for (let s = 0; s < samples; s++) {
      this.#submit(bound, s * repeats + (repeats % sets === 0 ? s : 0), repeats, {
        querySet,
        beginningOfPassWriteIndex: 2 * s,
        endOfPassWriteIndex: 2 * s + 1,
      });
    }
    const usage = GPUBufferUsage.QUERY_RESOLVE | GPUBufferUsage.COPY_SRC;
    const buffer = device.createBuffer('timestamps', 16 * samples, usage);
    try {
      const encoder = device.gpu.createCommandEncoder();
      encoder.resolveQuerySet(querySet, 0, 2 * samples, buffer, 0);
      device.gpu.queue.submit([encoder.finish()]);
      const ticks = new BigUint64Array(await device.readBuffer(buffer, 0, 16 * samples));
      device.check();
      for (let s = 0; s < samples; s++) times.push(Number(ticks[2 * s + 1]! - ticks[2 * s]!) / 1e6 / repeats);
      return times;
    } finally {
      buffer.destroy();
    }
  }

  /** Submits runs of the graph as one pass; the first of them takes the set `first`, the next ones those after it. */
  #submit(bound: BoundGraph, first: number, repeats: number, timestampWrites?: GPUComputePassTimestampWrites): void {
    const { gpu } = this.#runtime.device;
    const encoder = gpu.createCommandEncoder();
    const pass = encoder.beginComputePass({ timestampWrites });
    bound.encode(pass, first, repeats);
    pass.end();
    gpu.queue.submit([encoder.finish()]);
  }

  /** Milliseconds from a submit to the end of its work. */
  async #wall(work: () => void): Promise<number> {
    const { device } = this.#runtime;
    const begin = performance.now();
    work();
    try {
      await device.idle();
    } catch (cause) {
      device.check();
      if (cause instanceof UnclipError) throw cause;
      throw gpuError('GPU_DEVICE_LOST', 'a timed run did not end', cause);
    }
    return performance.now() - begin;
  }
}

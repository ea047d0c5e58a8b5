import { WEIGHT_FORMATS, type WeightFormat } from '../graph/quantize.js';
import type { ActivationDType } from '../graph/types.js';
import { Runtime } from '../runtime/runtime.js';
import { type TunedClass, type TuneOptions, tuneGraphs } from '../tune/tune-graphs.js';
import type { TuningTable } from '../tune/tuning-table.js';
import { UnclipError } from '../util/errors.js';
import { Checkpoint } from './checkpoint.js';
import { graphRuns } from './graph-runs.js';
import { ProgramSet } from './programs/program-set.js';
import { isGuided } from './settings.js';
import { type Tuning, tuningMode, useTuning } from './tuning.js';

export interface LoadOptions {
  /** Storage of weights and activations; sums are f32 in any case. `auto` (default): f16 on GPUs that have it, else f32. */
  readonly dtype?: 'auto' | ActivationDType;
  /**
   * Storage of matrix weights: `full` (default), in {@link dtype}, or `q8`, 8 bits each with a scale for each output: a quarter of
   * the memory of f32, half of f16, for errors of about 1 % in a network's output (bench/notes/q8.md).
   */
  readonly weights?: WeightFormat;
  /** `auto` (default) takes a hardware adapter when there is one. */
  readonly adapter?: 'auto' | 'hardware' | 'software';
  /** Most pictures drawn at once. Default 4 on hardware, 1 on software; a picture does not depend on it. */
  readonly batchSize?: number;
  /** Most bytes of weights on the GPU at once; networks take turns within it. Default: no bound. */
  readonly weightBudgetBytes?: number;
  /** Kernel variants by name (`portable`, …), for tests and benchmarks. */
  readonly variants?: string;
  /**
   * Kernels and tile sizes: `cached` (default) as measured on this adapter earlier, here or for the package, and chosen by rules
   * where nothing was measured; `search` measures at loading what is not known, which takes up to a minute once; `off`: by
   * rules alone. Pictures are the same to the bit only between runs that choose the same kernels.
   */
  readonly tuning?: Tuning;
  /** The same kernels whatever was measured: `tuning: 'off'`. */
  readonly deterministic?: boolean;
  /** Poll the GPU without pause: some 10 µs less latency for a core that is busy while waiting. Default false. */
  readonly eagerPolling?: boolean;
}

interface Storage {
  readonly dtype: ActivationDType;
  readonly weights: WeightFormat;
}

/** Most time that `tuning: 'search'` takes at loading. */
const SEARCH_AT_LOAD_MS = 60_000;

/** Batch sizes whose programs are kept: the full one and the last, smaller one. */
const KEPT_PROGRAMS = 2;

/** A model on a device, with the programs made for it: what every pipeline draws on, one at a time. */
export class Engine {
  readonly model: Checkpoint;
  readonly runtime: Runtime;
  readonly dtype: ActivationDType;
  readonly weights: WeightFormat;
  /** Most pictures drawn at once. */
  readonly batchSize: number;
  readonly #programs = new Map<string, ProgramSet>();
  /** Requests run one after the other: they share arena and state. */
  #queue: Promise<unknown> = Promise.resolve();
  #disposed = false;
  #tuning: TuningTable | undefined;

  private constructor(model: Checkpoint, runtime: Runtime, storage: Storage, batchSize: number) {
    this.model = model;
    this.runtime = runtime;
    this.dtype = storage.dtype;
    this.weights = storage.weights;
    this.batchSize = batchSize;
  }

  /** @throws UnclipError as `Unclip.load` */
  static async open(folder: string, options: LoadOptions): Promise<Engine> {
    const { dtype = 'auto', weights = 'full', batchSize, tuning, deterministic = false, ...runtimeOptions } = options;
    const mode = tuningMode(tuning, deterministic);
    if (batchSize !== undefined && (!Number.isInteger(batchSize) || batchSize < 1))
      throw new UnclipError('INPUT_INVALID', `batchSize is ${batchSize}: give a whole number, at least 1`);
    if (!WEIGHT_FORMATS.includes(weights))
      throw new UnclipError('INPUT_INVALID', `weights is '${weights}': give ${WEIGHT_FORMATS.join(' or ')}`);
    const model = Checkpoint.open(folder);
    let runtime: Runtime | undefined;
    try {
      runtime = await Runtime.open({ ...runtimeOptions, weights });
      const { caps } = runtime.device;
      if (dtype === 'f16') runtime.requireDType(dtype);
      const chosen = dtype === 'auto' ? (caps.f16 && !caps.software ? 'f16' : 'f32') : dtype;
      const engine = new Engine(model, runtime, { dtype: chosen, weights }, batchSize ?? (caps.software ? 1 : 4));
      if (mode !== 'off') engine.#tuning = useTuning(runtime);
      if (mode === 'search') await engine.#tuneAtLoad();
      return engine;
    } catch (error) {
      await runtime?.close();
      model.close();
      throw error;
    }
  }

  /**
   * Checks a request, then runs `task` when every task before it has ended.
   * @param check what needs no turn: its error is the result's, at once
   */
  exclusive<C, R>(check: () => C, task: (checked: C) => Promise<R>): Promise<R> {
    let checked: C;
    try {
      if (this.#disposed) throw new UnclipError('INPUT_INVALID', 'this Unclip was disposed');
      checked = check();
    } catch (error) {
      return Promise.reject(error);
    }
    const turn = this.#queue.then(() => task(checked));
    this.#queue = turn.catch(() => undefined);
    return turn;
  }

  /** The programs of a batch size; made when first asked for, the last few kept. */
  programs(batch: number, guided: boolean): ProgramSet {
    const key = `${batch}/${guided}`;
    let programs = this.#programs.get(key);
    if (programs === undefined) {
      programs = new ProgramSet(this.runtime, this.model, { batch, guided, dtype: this.dtype });
      const oldest = this.#programs.size >= KEPT_PROGRAMS ? this.#programs.keys().next().value : undefined;
      if (oldest !== undefined) {
        this.#programs.get(oldest)!.destroy();
        this.#programs.delete(oldest);
      }
      this.#programs.set(key, programs);
    }
    return programs;
  }

  /** @throws UnclipError as `Unclip.tune` */
  async tune(options: TuneOptions): Promise<TunedClass[]> {
    const tuned = await this.exclusive(
      () => {
        if (this.#tuning !== undefined) return this.#tuning;
        const message = `this model was loaded with tuning 'off'; load it with 'cached' to tune it`;
        throw new UnclipError('INPUT_INVALID', message);
      },
      (table) => {
        const { batchSize: batch, dtype, weights } = this;
        const { defaults } = this.model.info;
        const graphs = graphRuns(this.model.configs, { batch, guided: isGuided(defaults), dtype, weights }, defaults);
        return tuneGraphs(this.runtime, table, graphs, options);
      },
    );
    this.#forgetPrograms();
    return tuned;
  }

  /** Frees GPU memory and files, after requests that are under way. */
  async dispose(): Promise<void> {
    if (this.#disposed) return;
    this.#disposed = true;
    await this.#queue;
    this.#forgetPrograms();
    await this.runtime.close();
    this.model.close();
  }

  /** A folder that cannot be written costs the next process the same search, and no more. */
  async #tuneAtLoad(): Promise<void> {
    try {
      await this.tune({ budgetMs: SEARCH_AT_LOAD_MS });
    } catch (error) {
      if (!(error instanceof UnclipError) || !error.code.startsWith('IO_')) throw error;
    }
  }

  #forgetPrograms(): void {
    for (const programs of this.#programs.values()) programs.destroy();
    this.#programs.clear();
  }
}

import type { WeightFormat } from '../graph/quantize.js';
import type { ActivationDType } from '../graph/types.js';
import type { Runtime } from '../runtime/runtime.js';
import { type TunedClass, type TuneOptions, tuneGraphs } from '../tune/tune-graphs.js';
import type { TuningTable } from '../tune/tuning-table.js';
import { UnclipError } from '../util/errors.js';
import { Checkpoint } from './checkpoint.js';
import { ClipModel } from './clip/clip-model.js';
import { ClipEmbedder } from './clip/embedder.js';
import { graphRuns } from './graph-runs.js';
import { type OpenedRuntime, openRuntime, type RuntimeLoadOptions } from './open-runtime.js';
import { ProgramSet } from './programs/program-set.js';
import { isGuided } from './settings.js';
import { type Tuning, tuningMode, useTuning } from './tuning.js';

export interface LoadOptions extends RuntimeLoadOptions {
  /** Most pictures drawn at once. Default 4 on hardware, 1 on software; a picture does not depend on it. */
  readonly batchSize?: number;
  /**
   * Kernels and tile sizes: `cached` (default) as measured on this adapter earlier, here or for the package, and chosen by rules
   * where nothing was measured; `search` measures at loading what is not known, which takes up to a minute once; `off`: by
   * rules alone. Pictures are the same to the bit only between runs that choose the same kernels.
   */
  readonly tuning?: Tuning;
  /** The same kernels whatever was measured: `tuning: 'off'`. */
  readonly deterministic?: boolean;
}

/** Most time that `tuning: 'search'` takes at loading. */
const SEARCH_AT_LOAD_MS = 60_000;

/** Devices lost in a row under the same work, after which it is given up. */
export const MOST_LOSSES = 3;

/** Batch sizes whose programs are kept: the full one and the last, smaller one. */
const KEPT_PROGRAMS = 2;

/** A model on a device, with the programs made for it: what every pipeline draws on, one at a time. */
export class Engine {
  readonly model: Checkpoint;
  readonly dtype: ActivationDType;
  readonly weights: WeightFormat;
  /** Most pictures drawn at once. */
  readonly batchSize: number;
  readonly #options: RuntimeLoadOptions;
  readonly #programs = new Map<string, ProgramSet>();
  #runtime: Runtime;
  /** Requests run one after the other: they share arena and state. */
  #queue: Promise<unknown> = Promise.resolve();
  #disposed = false;
  #tuning: TuningTable | undefined;
  #clip: ClipEmbedder | undefined;

  private constructor(model: Checkpoint, opened: OpenedRuntime, options: RuntimeLoadOptions, batchSize: number) {
    const { runtime, dtype, weights } = opened;
    this.model = model;
    this.#runtime = runtime;
    this.dtype = dtype;
    this.weights = weights;
    // What was chosen once stays, should the device have to be opened again.
    this.#options = { ...options, dtype, weights };
    this.batchSize = batchSize;
  }

  /** @throws UnclipError as `Unclip.load` */
  static async open(folder: string, options: LoadOptions): Promise<Engine> {
    const { batchSize, tuning, deterministic = false, ...runtimeOptions } = options;
    const mode = tuningMode(tuning, deterministic);
    if (batchSize !== undefined && (!Number.isInteger(batchSize) || batchSize < 1))
      throw new UnclipError('INPUT_INVALID', `batchSize is ${batchSize}: give a whole number, at least 1`);
    const model = Checkpoint.open(folder);
    let opened: OpenedRuntime | undefined;
    try {
      opened = await openRuntime(runtimeOptions);
      const size = batchSize ?? (opened.runtime.device.caps.software ? 1 : 4);
      const engine = new Engine(model, opened, runtimeOptions, size);
      if (mode !== 'off') engine.#tuning = useTuning(opened.runtime);
      if (mode === 'search') await engine.#tuneAtLoad();
      return engine;
    } catch (error) {
      await opened?.runtime.close();
      model.close();
      throw error;
    }
  }

  /** The device with what lives on it. Another one after a device was lost, so it is asked for in each turn. */
  get runtime(): Runtime {
    return this.#runtime;
  }

  /** CLIP's encoders on this model's weights. To be used in this engine's turn. */
  get clip(): ClipEmbedder {
    this.#clip ??= new ClipEmbedder(this.runtime, ClipModel.ofCheckpoint(this.model), this.dtype);
    return this.#clip;
  }

  /**
   * Checks a request, then runs `task` when every task before it has ended. A device that was lost meanwhile is opened anew first,
   * and weights are loaded again as programs ask for them.
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
    const turn = this.#queue.then(async () => {
      if (this.#runtime.device.lost) await this.#reopen();
      return task(checked);
    });
    this.#queue = turn.catch(() => undefined);
    return turn;
  }

  /**
   * As {@link exclusive}, for a task that comes to the same when it is done over: should the device be lost under it, it begins again
   * on one that is opened anew.
   */
  repeatable<C, R>(check: () => C, task: (checked: C) => Promise<R>): Promise<R> {
    return this.exclusive(check, async (checked) => {
      for (let losses = 1; ; losses++) {
        try {
          return await task(checked);
        } catch (error) {
          if (!this.#runtime.device.lost || losses === MOST_LOSSES) throw error;
          await this.#reopen();
        }
      }
    });
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

  async #reopen(): Promise<void> {
    this.#forgetPrograms();
    this.#clip = undefined;
    await this.#runtime.close();
    const { runtime } = await openRuntime(this.#options);
    this.#runtime = runtime;
    if (this.#tuning !== undefined) this.#tuning = useTuning(runtime);
  }

  #forgetPrograms(): void {
    for (const programs of this.#programs.values()) programs.destroy();
    this.#programs.clear();
    this.#clip?.destroy();
  }
}

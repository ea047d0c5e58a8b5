import type { AdapterDescription } from '../gpu/device.js';
import { WEIGHT_FORMATS, type WeightFormat } from '../graph/quantize.js';
import type { ActivationDType } from '../graph/types.js';
import type { PictureParameters } from '../image/parameters.js';
import { Runtime } from '../runtime/runtime.js';
import { unknownWords } from '../text/words.js';
import { type TunedClass, type TuneOptions, tuneGraphs } from '../tune/tune-graphs.js';
import type { TuningTable } from '../tune/tuning-table.js';
import { UnclipError } from '../util/errors.js';
import { Checkpoint } from './checkpoint.js';
import { GeneratedImage } from './generated-image.js';
import { graphRuns } from './graph-runs.js';
import { PerImageNoise } from './noise.js';
import { packageVersion } from './package-version.js';
import { TextToImagePrograms } from './programs.js';
import { type GenerateProgress, Pace, previewPictures } from './progress.js';
import { type CheckedRequest, checkRequest, type PictureRequest } from './request.js';
import { isGuided } from './settings.js';
import { TextToImageRun } from './text-to-image.js';
import { type Tuning, tuningMode, useTuning } from './tuning.js';

export { GeneratedImage };

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

export interface GenerateRequest extends PictureRequest {
  /** Aborting stops the run within one step with UnclipError CANCELLED. */
  readonly signal?: AbortSignal;
  /** Called after every step and awaited. */
  readonly onProgress?: (progress: GenerateProgress) => void | Promise<void>;
}

export interface GenerateResult {
  readonly images: readonly GeneratedImage[];
  /** Words of the prompt that the model has never seen; always empty for models that say nothing of their vocabulary. */
  readonly unknownWords: readonly string[];
  /** Seed of the first picture. */
  readonly seed: number;
  /** Wall time by stage, in the order of the run. */
  readonly timings: readonly { readonly stage: string; readonly ms: number }[];
}

interface Storage {
  readonly dtype: ActivationDType;
  readonly weights: WeightFormat;
}

/** Most time that `tuning: 'search'` takes at loading. */
const SEARCH_AT_LOAD_MS = 60_000;

/** Batch sizes whose programs are kept: the full one and the last, smaller one. */
const KEPT_PROGRAMS = 2;

/**
 * A loaded model: draws pictures from text.
 *
 *     const unclip = await Unclip.load('models/bundled');
 *     const { images } = await unclip.generate({ prompt: 'a red ball on the grass', n: 4, seed: 1 });
 *     await unclip.dispose();
 */
export class Unclip {
  readonly model: Checkpoint;
  readonly dtype: ActivationDType;
  readonly weights: WeightFormat;
  readonly #runtime: Runtime;
  /** Most pictures drawn at once. */
  readonly batchSize: number;
  readonly #programs = new Map<string, TextToImagePrograms>();
  /** Requests run one after the other: they share arena and state. */
  #queue: Promise<unknown> = Promise.resolve();
  #disposed = false;
  #tuning: TuningTable | undefined;

  private constructor(model: Checkpoint, runtime: Runtime, storage: Storage, batchSize: number) {
    this.model = model;
    this.#runtime = runtime;
    this.dtype = storage.dtype;
    this.weights = storage.weights;
    this.batchSize = batchSize;
  }

  /**
   * Opens a model folder in diffusers' layout and a GPU device. The folder is checked whole before the device is opened.
   * @throws UnclipError MODEL_* for the folder, GPU_NO_ADAPTER, GPU_FEATURE_MISSING (f16 asked for and not there)
   */
  static async load(folder: string, options: LoadOptions = {}): Promise<Unclip> {
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
      const unclip = new Unclip(model, runtime, { dtype: chosen, weights }, batchSize ?? (caps.software ? 1 : 4));
      if (mode !== 'off') unclip.#tuning = useTuning(runtime);
      if (mode === 'search') await unclip.#tuneAtLoad();
      return unclip;
    } catch (error) {
      await runtime?.close();
      model.close();
      throw error;
    }
  }

  /** The adapter that draws. */
  get adapter(): AdapterDescription {
    return this.#runtime.device.adapter;
  }

  /** The engine below, for benchmarks. */
  get runtime(): Runtime {
    return this.#runtime;
  }

  /**
   * Measures which kernels and tile sizes are fastest for this model on this adapter, at its own steps, with guidance, at
   * {@link batchSize} and {@link dtype}; programs made from then on use them, and so does every later process of this user.
   * @returns what was measured now: classes of shapes that no table knew, the costliest first
   * @throws UnclipError CANCELLED (what was measured is kept), INPUT_INVALID (loaded with `tuning: 'off'`), GPU_*, IO_*
   */
  async tune(options: TuneOptions): Promise<TunedClass[]> {
    const table = this.#tuning;
    if (table === undefined)
      throw new UnclipError(
        'INPUT_INVALID',
        `this model was loaded with tuning 'off'; load it with 'cached' to tune it`,
      );
    const { batchSize: batch, dtype, weights } = this;
    const { defaults } = this.model.info;
    const graphs = graphRuns(this.model.configs, { batch, guided: isGuided(defaults), dtype, weights }, defaults);
    const turn = this.#queue.then(() => tuneGraphs(this.#runtime, table, graphs, options));
    this.#queue = turn.catch(() => undefined);
    const tuned = await turn;
    this.#forgetPrograms();
    return tuned;
  }

  /**
   * Draws pictures. Requests made at the same time wait for one another.
   * @throws UnclipError INPUT_* before anything is allocated, CANCELLED, GPU_*
   */
  generate(request: GenerateRequest): Promise<GenerateResult> {
    let checked: CheckedRequest;
    try {
      if (this.#disposed) throw new UnclipError('INPUT_INVALID', 'this Unclip was disposed');
      checked = checkRequest(request, this.model.info.defaults);
    } catch (error) {
      return Promise.reject(error);
    }
    const turn = this.#queue.then(() => this.#generate(checked, request));
    this.#queue = turn.catch(() => undefined);
    return turn;
  }

  /** Frees GPU memory and files, after requests that are under way; the process can then end by itself. */
  async dispose(): Promise<void> {
    if (this.#disposed) return;
    this.#disposed = true;
    await this.#queue;
    this.#forgetPrograms();
    await this.#runtime.close();
    this.model.close();
  }

  [Symbol.asyncDispose](): Promise<void> {
    return this.dispose();
  }

  async #generate(checked: CheckedRequest, request: GenerateRequest): Promise<GenerateResult> {
    const { prompt, n, seed, settings } = checked;
    const images: GeneratedImage[] = [];
    const timings = new Map<string, number>();
    const begin = performance.now();
    let mark = begin;
    const lap = (stage: string): void => {
      const now = performance.now();
      timings.set(stage, (timings.get(stage) ?? 0) + now - mark);
      mark = now;
    };
    const batches = batchSizes(n, this.batchSize);
    for (const [index, batch] of batches.entries()) {
      if (request.signal?.aborted) throw new UnclipError('CANCELLED', 'drawing was cancelled');
      const programs = this.#programsFor(batch, isGuided(settings));
      const pace = new Pace(programs, settings);
      const told = { done: images.length, batch, total: n };
      const tell = async (p: Omit<GenerateProgress, 'done' | 'batch' | 'total' | 'elapsedMs'>): Promise<void> =>
        request.onProgress?.({ ...p, ...told, elapsedMs: performance.now() - begin });
      if (index === 0) {
        await programs.prepare();
        lap('load');
        await tell({ stage: 'load', step: 1, steps: 1, remainingMs: undefined });
        pace.restart();
      }
      const seeds = Array.from({ length: batch }, (_, k) => seed + images.length + k);
      const run = new TextToImageRun(this.#runtime, this.model, programs, settings);
      await run.run(new Array<string>(batch).fill(prompt), new PerImageNoise(seeds), {
        signal: request.signal,
        onStep: async (progress, sampler) => {
          lap(progress.stage);
          const preview =
            sampler !== undefined && progress.stage !== 'prior' ? () => previewPictures(sampler) : undefined;
          await tell({ ...progress, remainingMs: pace.step(progress.stage, batches.length - index - 1), preview });
        },
      });
      images.push(...(await this.#readPictures(programs, prompt, seeds, checked)));
      lap('pixels');
    }
    const { vocabulary } = this.model.info;
    return {
      images,
      unknownWords: vocabulary === undefined ? [] : unknownWords(prompt, new Set(vocabulary)),
      seed,
      timings: [...timings].map(([stage, ms]) => ({ stage, ms })),
    };
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

  #programsFor(batch: number, guided: boolean): TextToImagePrograms {
    const key = `${batch}/${guided}`;
    let programs = this.#programs.get(key);
    if (programs === undefined) {
      programs = new TextToImagePrograms(this.#runtime, this.model, { batch, guided, dtype: this.dtype });
      const oldest = this.#programs.size >= KEPT_PROGRAMS ? this.#programs.keys().next().value : undefined;
      if (oldest !== undefined) {
        this.#programs.get(oldest)!.destroy();
        this.#programs.delete(oldest);
      }
      this.#programs.set(key, programs);
    }
    return programs;
  }

  async #readPictures(
    programs: TextToImagePrograms,
    prompt: string,
    seeds: readonly number[],
    { settings }: CheckedRequest,
  ): Promise<GeneratedImage[]> {
    const pixels = programs.pixels.state('pixels');
    const [, height, width] = pixels.shape as [number, number, number];
    const words = await pixels.readWords();
    const bytes = new Uint8Array(words.buffer, words.byteOffset, words.byteLength);
    const size = width * height * 4;
    return seeds.map((seed, k) => {
      const parameters: PictureParameters = {
        version: packageVersion(),
        model: this.model.folder,
        modelHash: this.model.hash,
        prompt,
        seed,
        steps: { prior: settings.priorSteps, decoder: settings.decoderSteps, superRes: settings.superResSteps },
        guidance: { prior: settings.priorGuidanceScale, decoder: settings.decoderGuidanceScale },
        dtype: this.dtype,
        weights: this.weights,
        adapter: this.adapter.name,
      };
      return new GeneratedImage(width, height, bytes.slice(k * size, (k + 1) * size), parameters);
    });
  }
}

/** n pictures in batches of at most `most`. */
const batchSizes = (n: number, most: number): number[] =>
  Array.from({ length: Math.ceil(n / most) }, (_, i) => Math.min(most, n - i * most));

import type { AdapterDescription } from '../gpu/device.js';
import type { ActivationDType } from '../graph/types.js';
import { type Fit, fitPicture } from '../image/fit-picture.js';
import type { Picture } from '../image/picture.js';
import { type PictureInput, readPicture } from '../image/picture-input.js';
import { DVAE_PATCH, LAPLACE_EPS } from '../models/dvae-config.js';
import { dvaeDecoderGraph } from '../models/dvae-decoder.js';
import { dvaeEncoderGraph, dvaeGrid } from '../models/dvae-encoder.js';
import type { Program } from '../runtime/program.js';
import type { Runtime } from '../runtime/runtime.js';
import { UnclipError } from '../util/errors.js';
import { inSlices } from '../util/sliced.js';
import { DvaeCheckpoint } from './dvae-checkpoint.js';
import { openRuntime, type RuntimeLoadOptions } from './open-runtime.js';
import { checkTokens, type TokenGrid } from './token-grid.js';

/** Sides that pictures are fitted to. */
export const DVAE_SIZE = { default: 256, least: 32, most: 1024 } as const;

export interface ReconstructOptions {
  /** Short side of the picture that is encoded, pixels: a multiple of 8, 32 to 1024. Default 256. */
  readonly size?: number;
  /** `square` (default): its middle; `whole`: all of it. */
  readonly fit?: Fit;
  readonly signal?: AbortSignal;
}

export interface Reconstruction {
  /** What was encoded: the picture, fitted. */
  readonly input: Picture;
  readonly tokens: TokenGrid;
  /** What the tokens decode to, of the input's size; RGBA, opaque. */
  readonly picture: Picture;
}

/**
 * DALL·E 1's discrete VAE (Ramesh et al. 2021): pictures to grids of codes and back, as OpenAI's `dall_e` package does.
 *
 *     const vae = await DiscreteVae.load('models/dvae');
 *     const { tokens, picture } = await vae.reconstruct('photo.jpg');
 *     await vae.dispose();
 */
export class DiscreteVae {
  readonly #checkpoint: DvaeCheckpoint;
  readonly #runtime: Runtime;
  readonly dtype: ActivationDType;
  /** Programs of the last size, by network. */
  readonly #programs = new Map<'encoder' | 'decoder', { readonly size: string; readonly program: Program }>();
  /** Calls run one after the other: they share arena and state. */
  #queue: Promise<unknown> = Promise.resolve();
  #disposed = false;

  private constructor(checkpoint: DvaeCheckpoint, runtime: Runtime, dtype: ActivationDType) {
    this.#checkpoint = checkpoint;
    this.#runtime = runtime;
    this.dtype = dtype;
  }

  /**
   * Opens a folder with encoder.* and decoder.* (safetensors, or OpenAI's encoder.pkl and decoder.pkl) and a GPU device. Sizes
   * are read off the tensors. Numbers are f32 unless f16 is asked for, which may change a code where two are nearly alike.
   * @throws UnclipError MODEL_* for the folder, GPU_NO_ADAPTER, GPU_FEATURE_MISSING
   */
  static async load(
    folder: string,
    options: Omit<RuntimeLoadOptions, 'weights' | 'weightBudgetBytes'> = {},
  ): Promise<DiscreteVae> {
    const checkpoint = DvaeCheckpoint.open(folder);
    try {
      const { runtime, dtype } = await openRuntime({ dtype: 'f32', ...options });
      return new DiscreteVae(checkpoint, runtime, dtype);
    } catch (error) {
      checkpoint.close();
      throw error;
    }
  }

  /** How many codes there are. */
  get vocabulary(): number {
    return this.#checkpoint.config.vocabulary;
  }

  /** The adapter that computes. */
  get adapter(): AdapterDescription {
    return this.#runtime.device.adapter;
  }

  /**
   * A picture through the codes and back.
   * @param source path, file contents, or pixels (alpha is ignored)
   * @throws UnclipError INPUT_*, CANCELLED, GPU_*
   */
  async reconstruct(source: PictureInput, options: ReconstructOptions = {}): Promise<Reconstruction> {
    const { size = DVAE_SIZE.default, fit = 'square', signal } = options;
    if (!Number.isInteger(size) || size % DVAE_PATCH !== 0 || size < DVAE_SIZE.least || size > DVAE_SIZE.most)
      throw new UnclipError(
        'INPUT_INVALID',
        `size is ${size}: give a multiple of ${DVAE_PATCH} from ${DVAE_SIZE.least} to ${DVAE_SIZE.most}`,
      );
    const input = await inSlices(fitPicture(await readPicture(source), size, fit, DVAE_PATCH));
    const tokens = await this.#exclusive(signal, () => this.#encode(input));
    return { input, tokens, picture: await this.decode(tokens, signal) };
  }

  /**
   * The picture of a grid of codes, 8 pixels a code; RGBA, opaque.
   * @throws UnclipError INPUT_INVALID, CANCELLED, GPU_*
   */
  async decode(grid: TokenGrid, signal?: AbortSignal): Promise<Picture> {
    checkTokens(grid, this.vocabulary);
    return this.#exclusive(signal, () => this.#decode(grid));
  }

  /** Frees GPU memory and files, after calls that are under way. */
  async dispose(): Promise<void> {
    if (this.#disposed) return;
    this.#disposed = true;
    await this.#queue;
    for (const { program } of this.#programs.values()) program.destroy();
    await this.#runtime.close();
    this.#checkpoint.close();
  }

  [Symbol.asyncDispose](): Promise<void> {
    return this.dispose();
  }

  async #encode(input: Picture): Promise<TokenGrid> {
    const { width, height } = input;
    const program = this.#program('encoder', height, width);
    program.state('pixels').write(mapPixels(input));
    await this.#run(program);
    const tokens = await program.state('tokens').readWords();
    return { ...dvaeGrid(input), tokens, vocabulary: this.vocabulary };
  }

  async #decode({ rows, columns, tokens }: TokenGrid): Promise<Picture> {
    const [height, width] = [rows * DVAE_PATCH, columns * DVAE_PATCH];
    const program = this.#program('decoder', height, width);
    program.state('tokens').write(tokens);
    await this.#run(program);
    const words = await program.state('pixels').readWords();
    return { width, height, channels: 4, data: new Uint8Array(words.buffer, words.byteOffset, 4 * width * height) };
  }

  async #run(program: Program): Promise<void> {
    await program.prepare();
    this.#runtime.submit([program]);
  }

  #program(network: 'encoder' | 'decoder', height: number, width: number): Program {
    const size = `${height}x${width}`;
    const kept = this.#programs.get(network);
    if (kept?.size === size) return kept.program;
    kept?.program.destroy();
    this.#programs.delete(network);
    const { config, encoder, decoder } = this.#checkpoint;
    const options = { batch: 1, height, width, dtype: this.dtype };
    const program =
      network === 'encoder'
        ? this.#runtime.program('dvae_encoder', dvaeEncoderGraph(config, options), encoder)
        : this.#runtime.program('dvae_decoder', dvaeDecoderGraph(config, options), decoder);
    this.#programs.set(network, { size, program });
    return program;
  }

  /** Runs a task when every task before it has ended, unless it was cancelled by then. */
  #exclusive<R>(signal: AbortSignal | undefined, task: () => Promise<R>): Promise<R> {
    if (this.#disposed) return Promise.reject(new UnclipError('INPUT_INVALID', 'this DiscreteVae was disposed'));
    const turn = this.#queue.then(() => {
      if (signal?.aborted) throw new UnclipError('CANCELLED', 'the reconstruction was stopped');
      return task();
    });
    this.#queue = turn.catch(() => undefined);
    return turn;
  }
}

/** dall_e's map_pixels of ToTensor's values: [H, W, 3] in [0.1, 0.9], in f32 as PyTorch computes it. */
function mapPixels({ width, height, channels, data }: Picture): Float32Array {
  const { fround } = Math;
  const scale = fround(1 - 2 * LAPLACE_EPS);
  const levels = Float32Array.from({ length: 256 }, (_, v) => fround(scale * fround(v / 255)) + fround(LAPLACE_EPS));
  const mapped = new Float32Array(width * height * 3);
  for (let i = 0; i < width * height; i++)
    for (let c = 0; c < 3; c++) mapped[3 * i + c] = levels[data[channels * i + c]!]!;
  return mapped;
}

import type { ActivationDType } from '../../graph/types.js';
import { type PictureInput, readPicture } from '../../image/picture-input.js';
import { clipTextGraph } from '../../models/clip-text.js';
import { clipVisionGraph } from '../../models/clip-vision.js';
import type { Program } from '../../runtime/program.js';
import type { Runtime } from '../../runtime/runtime.js';
import { UnclipError } from '../../util/errors.js';
import { inSlices } from '../../util/sliced.js';
import type { ClipModel } from './clip-model.js';
import type { Embedding } from './embedding.js';

export interface EmbedHooks {
  /** Aborting stops before the next batch with UnclipError CANCELLED. */
  readonly signal?: AbortSignal;
  /** Called after every batch with how many texts or pictures are done. */
  readonly onBatch?: (done: number, total: number) => void;
}

export interface EmbedRequest extends EmbedHooks {
  readonly texts?: readonly string[];
  readonly pictures?: readonly PictureInput[];
}

export interface EmbedResult {
  /** f32 [E] of each text, not normalised. */
  readonly texts: readonly Embedding[];
  /** f32 [E] of each picture, not normalised, in the same space. */
  readonly pictures: readonly Embedding[];
}

/** Rows computed at once: the largest that fit what is left, so that three programs serve any number of texts or pictures. */
const BATCH_SIZES = [16, 4, 1] as const;
/** CPU drivers gain nothing from more. */
const SOFTWARE_BATCH = 4;

/** CLIP's two encoders on a device. Programs and weights are made when first asked for, and kept. */
export class ClipEmbedder {
  readonly model: ClipModel;
  readonly #runtime: Runtime;
  readonly #dtype: ActivationDType;
  readonly #programs = new Map<string, Program>();

  constructor(runtime: Runtime, model: ClipModel, dtype: ActivationDType) {
    this.#runtime = runtime;
    this.model = model;
    this.#dtype = dtype;
  }

  /**
   * CLIP text embeddings, not normalised. An embedding does not depend on what else is embedded with it.
   * @throws UnclipError INPUT_* (no string, over 10 MB), CANCELLED, GPU_*
   */
  async texts(texts: readonly string[], hooks: EmbedHooks = {}): Promise<Embedding[]> {
    const { config, tokenizer, weights } = this.model.text;
    const encoded = texts.map((text) => tokenizer.encode(text));
    return this.#inBatches(encoded, hooks, async (rows) => {
      const options = { batch: rows.length, dtype: this.#dtype };
      const program = this.#program(`text/${rows.length}`, () =>
        this.#runtime.program('text_encoder', clipTextGraph(config, options), weights),
      );
      program.state('ids').write(Uint32Array.from(rows.flatMap((row) => [...row.ids])));
      program.state('endIndex').write(Uint32Array.from(rows, (row) => row.endIndex));
      return this.#run(program, 'textEmbeds');
    });
  }

  /**
   * CLIP image embeddings, not normalised; pictures are read a batch at a time.
   * @throws UnclipError MODEL_CONFIG_INVALID (no image encoder), INPUT_PICTURE_INVALID, CANCELLED, GPU_*
   */
  async pictures(pictures: readonly PictureInput[], hooks: EmbedHooks = {}): Promise<Embedding[]> {
    const { config, preprocessor, rounding, weights } = this.model.requireImage();
    return this.#inBatches(pictures, hooks, async (rows) => {
      const options = { batch: rows.length, dtype: this.#dtype };
      const program = this.#program(`image/${rows.length}`, () =>
        this.#runtime.program('image_encoder', clipVisionGraph(config, options), weights),
      );
      const size = preprocessor.height * preprocessor.width * 3;
      // One after the other: a picture's pixels may be many times what CLIP reads of them.
      for (const [row, input] of rows.entries()) {
        const pixels = await inSlices(preprocessor.apply(await readPicture(input), rounding));
        program.state('pixels').write(pixels, row * size);
      }
      return this.#run(program, 'imageEmbeds');
    });
  }

  /** Both. Throws as {@link texts} and {@link pictures} do. */
  async embed({ texts = [], pictures = [], ...hooks }: EmbedRequest): Promise<EmbedResult> {
    if (pictures.length > 0) this.model.requireImage();
    return {
      texts: await this.texts(texts, hooks),
      pictures: pictures.length === 0 ? [] : await this.pictures(pictures, hooks),
    };
  }

  /** Frees the programs; weights stay with the runtime. */
  destroy(): void {
    for (const program of this.#programs.values()) program.destroy();
    this.#programs.clear();
  }

  async #inBatches<I>(
    items: readonly I[],
    { signal, onBatch }: EmbedHooks,
    embed: (rows: readonly I[]) => Promise<Float32Array>,
  ): Promise<Embedding[]> {
    const most = this.#runtime.device.caps.software ? SOFTWARE_BATCH : BATCH_SIZES[0];
    const result: Embedding[] = [];
    while (result.length < items.length) {
      if (signal?.aborted) throw new UnclipError('CANCELLED', 'embedding was cancelled');
      const left = Math.min(most, items.length - result.length);
      const batch = BATCH_SIZES.find((size) => size <= left)!;
      const values = await embed(items.slice(result.length, result.length + batch));
      const width = values.length / batch;
      for (let row = 0; row < batch; row++) result.push(values.slice(row * width, (row + 1) * width));
      onBatch?.(result.length, items.length);
    }
    return result;
  }

  async #run(program: Program, output: string): Promise<Float32Array> {
    await program.prepare();
    this.#runtime.submit([program]);
    const values = await program.state(output).read();
    if (!values.every(Number.isFinite))
      throw new UnclipError('MODEL_TENSOR_DTYPE', `${output} are not finite numbers; use f32 for this model`);
    return values;
  }

  #program(key: string, make: () => Program): Program {
    const known = this.#programs.get(key) ?? make();
    this.#programs.set(key, known);
    return known;
  }
}

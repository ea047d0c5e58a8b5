import { clipTextGraph } from '../../models/clip-text.js';
import { type GuidedOptions, networkRows } from '../../models/layers.js';
import { contextTokens } from '../../models/networks.js';
import type { Program } from '../../runtime/program.js';
import type { Runtime } from '../../runtime/runtime.js';
import type { StateTensor } from '../../runtime/state.js';
import type { ClipTokenizer, EncodedPrompt } from '../../text/clip-tokenizer.js';
import { UnclipError } from '../../util/errors.js';
import type { Checkpoint } from '../checkpoint.js';
import type { Programs } from './options.js';

/** diffusers' additive mask: what a padded key's score gets. */
const MASKED = -10000;

/** The text encoder with what everything conditioned on text reads: R rows, 2·batch when guided, unconditional half first. */
export class TextPrograms implements Programs {
  readonly options: GuidedOptions;
  readonly encoder: Program;
  /** Additive attention masks, f32 [R, 77] of the text and [R, 81] of the decoder's context. */
  readonly textMask: StateTensor;
  readonly contextMask: StateTensor;
  readonly #model: Checkpoint;

  constructor(runtime: Runtime, model: Checkpoint, options: GuidedOptions) {
    this.options = options;
    this.#model = model;
    const rows = networkRows(options);
    const { textEncoder } = model.configs;
    this.textMask = runtime.state('text mask', [rows, textEncoder.max_position_embeddings], 'f32');
    this.contextMask = runtime.state('context mask', [rows, contextTokens(model.configs)], 'f32');
    const graph = clipTextGraph(textEncoder, { batch: rows, dtype: options.dtype });
    this.encoder = runtime.program('text_encoder', graph, model.weights('text_encoder'));
  }

  /** [R, E], not normalised, in the dtype. */
  get embeds(): StateTensor {
    return this.encoder.state('textEmbeds');
  }

  /** [R, 77, E] in the dtype. */
  get hidden(): StateTensor {
    return this.encoder.state('lastHiddenState');
  }

  /** Uploads token ids, pooling positions and masks of one prompt a picture; unconditional rows are the empty prompt. */
  write(prompts: readonly string[]): void {
    const { batch, guided } = this.options;
    if (prompts.length !== batch)
      throw new UnclipError('INPUT_INVALID', `${prompts.length} prompts were given to a batch of ${batch}`);
    const rows = [...(guided ? prompts.map(() => '') : []), ...prompts];
    const encoded = encodeAll(this.#model.tokenizer, rows);
    this.encoder.state('ids').write(Uint32Array.from(encoded.flatMap((e) => [...e.ids])));
    this.encoder.state('endIndex').write(Uint32Array.from(encoded.map((e) => e.endIndex)));
    const masks = encoded.map((e) => Array.from(e.mask, (word) => (word === 1 ? 0 : MASKED)));
    this.textMask.write(Float32Array.from(masks.flat()));
    const extra = new Array<number>(this.#model.configs.textProj.clip_extra_context_tokens).fill(0);
    this.contextMask.write(Float32Array.from(masks.flatMap((mask) => [...extra, ...mask])));
  }

  all(): Program[] {
    return [this.encoder];
  }

  destroy(): void {
    this.encoder.destroy();
    this.textMask.destroy();
    this.contextMask.destroy();
  }
}

/** Each distinct prompt is tokenised once. */
function encodeAll(tokenizer: ClipTokenizer, prompts: readonly string[]): EncodedPrompt[] {
  const known = new Map<string, EncodedPrompt>();
  return prompts.map((prompt) => {
    const encoded = known.get(prompt) ?? tokenizer.encode(prompt);
    known.set(prompt, encoded);
    return encoded;
  });
}

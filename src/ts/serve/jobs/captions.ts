import type { CaptionBank } from '../../pipelines/clip/caption-bank.js';
import { knownCaptions } from '../../pipelines/clip/known-captions.js';
import type { Unclip } from '../../pipelines/unclip.js';

/** The captions that say what the prior predicts; embedded when somebody first asks. */
export class Captions {
  readonly texts: readonly string[];
  readonly #unclip: Unclip;
  readonly #onFailure: (error: unknown) => void;
  #bank: Promise<CaptionBank> | undefined;

  /** @param texts undefined: the model's own @param onFailure told when they could not be embedded */
  constructor(unclip: Unclip, texts: readonly string[] | undefined, onFailure: (error: unknown) => void) {
    this.#unclip = unclip;
    this.texts = texts ?? knownCaptions(unclip.model.info);
    this.#onFailure = onFailure;
  }

  /** Begins to embed the captions for whoever is likely to ask for them. A failure is told to those who do. */
  prepare(): void {
    if (this.texts.length > 0) this.bank().catch(() => {});
  }

  /** The captions' embeddings. One attempt serves all who wait; after a failure the next one tries again. */
  bank(): Promise<CaptionBank> {
    this.#bank ??= this.#unclip.captionBank(this.texts).catch((error: unknown) => {
      this.#bank = undefined;
      this.#onFailure(error);
      throw error;
    });
    return this.#bank;
  }
}

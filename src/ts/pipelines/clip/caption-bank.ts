import { UnclipError } from '../../util/errors.js';
import { type Embedding, normalized } from './embedding.js';

/** A caption of a bank, as near as it is to an embedding. */
export interface NearestCaption {
  readonly text: string;
  /** Cosine of the caption's and the given embedding, −1 … 1. */
  readonly similarity: number;
  /** Softmax of logit scale · cosine over all captions of the bank. */
  readonly probability: number;
}

/** Captions by their CLIP text embeddings: says an image embedding in words. */
export class CaptionBank {
  readonly captions: readonly string[];
  /** One row of length 1 after the other, f32 [captions, E]. */
  readonly #directions: Float32Array;
  readonly #width: number;
  readonly #logitScale: number;

  /** @param embeddings of the captions, f32 [E] each @param logitScale what cosines are multiplied by before the softmax */
  constructor(captions: readonly string[], embeddings: readonly Embedding[], logitScale: number) {
    this.captions = captions;
    this.#width = embeddings[0]?.length ?? 0;
    this.#directions = new Float32Array(captions.length * this.#width);
    for (const [i, embedding] of embeddings.entries()) this.#directions.set(normalized(embedding), i * this.#width);
    this.#logitScale = logitScale;
  }

  /**
   * The captions nearest to an embedding, the best first; those that are equally near keep their order.
   * @param count how many; all of them where there are fewer
   * @throws UnclipError INPUT_INVALID for an embedding of another width
   */
  nearest(embedding: Embedding, count: number): NearestCaption[] {
    const width = this.#width;
    if (embedding.length !== width)
      throw new UnclipError(
        'INPUT_INVALID',
        `the embedding has ${embedding.length} numbers; the captions' have ${width}`,
      );
    const direction = normalized(embedding);
    const cosines = this.captions.map((_, row) => {
      let sum = 0;
      for (let i = 0; i < width; i++) sum += this.#directions[row * width + i]! * direction[i]!;
      return Math.min(1, Math.max(-1, sum));
    });
    const best = Math.max(...cosines);
    const total = cosines.reduce((sum, cosine) => sum + Math.exp(this.#logitScale * (cosine - best)), 0);
    return this.captions
      .map((text, i) => ({
        text,
        similarity: cosines[i]!,
        probability: Math.exp(this.#logitScale * (cosines[i]! - best)) / total,
      }))
      .sort((a, b) => b.similarity - a.similarity)
      .slice(0, count);
  }
}

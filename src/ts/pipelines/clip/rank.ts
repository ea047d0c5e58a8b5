import type { PictureInput } from '../../image/picture-input.js';
import { UnclipError } from '../../util/errors.js';
import type { LogitScale } from './clip-model.js';
import type { ClipEmbedder, EmbedHooks } from './embedder.js';
import { cosineSimilarity, type Embedding } from './embedding.js';

export interface RankRequest extends EmbedHooks {
  readonly pictures: readonly PictureInput[];
  readonly captions: readonly string[];
}

export interface RankedCaption {
  readonly caption: string;
  /** Its place in the request, from 0. */
  readonly index: number;
  /** Softmax of logit scale · cosine over this picture's captions. */
  readonly probability: number;
  /** Cosine of the caption's and the picture's embeddings, −1 … 1. */
  readonly cosine: number;
}

export interface RankResult {
  /** For each picture its captions, the best first; captions that fit equally well keep their order. */
  readonly pictures: readonly (readonly RankedCaption[])[];
  /** What cosines were multiplied by, and whether the checkpoint states it. */
  readonly logitScale: LogitScale;
}

/**
 * Zero-shot classification as CLIP does it (arXiv 2103.00020, section 3.1): how well each caption fits each picture.
 * @throws UnclipError INPUT_INVALID (no picture or no caption), INPUT_PICTURE_INVALID, MODEL_CONFIG_INVALID, CANCELLED, GPU_*
 */
export async function rankCaptions(embedder: ClipEmbedder, request: RankRequest): Promise<RankResult> {
  const { pictures, captions, ...hooks } = request;
  if (pictures.length === 0) throw new UnclipError('INPUT_INVALID', 'pictures is empty; give at least one');
  if (captions.length === 0) throw new UnclipError('INPUT_INVALID', 'captions is empty; give at least one');
  const { logitScale } = embedder.model;
  embedder.model.requireImage();
  const texts = await embedder.texts(captions, { signal: hooks.signal });
  const images = await embedder.pictures(pictures, hooks);
  return { pictures: images.map((image) => ranked(image, texts, captions, logitScale.value)), logitScale };
}

function ranked(
  image: Embedding,
  texts: readonly Embedding[],
  captions: readonly string[],
  scale: number,
): RankedCaption[] {
  const cosines = texts.map((text) => cosineSimilarity(image, text));
  const best = Math.max(...cosines);
  const weights = cosines.map((cosine) => Math.exp(scale * (cosine - best)));
  const sum = weights.reduce((a, b) => a + b, 0);
  return captions
    .map((caption, index) => ({ caption, index, probability: weights[index]! / sum, cosine: cosines[index]! }))
    .sort((a, b) => b.cosine - a.cosine);
}

import { unknownWords } from '../text/words.js';
import { UnclipError } from '../util/errors.js';
import { cosineSimilarity } from './clip/embedding.js';
import { type DrawHooks, drawPictures } from './drawing.js';
import type { Engine } from './engine.js';
import { GeneratedImage } from './generated-image.js';
import { checkRequest, type PictureRequest } from './request.js';
import type { GenerateResult } from './text-to-image.js';

export interface BestOfRequest extends Omit<PictureRequest, 'n'>, Omit<DrawHooks, 'onImage'> {
  /** Pictures to draw, 1 … 10000; candidate k has seed + k. */
  readonly candidates: number;
  /** Pictures to keep, 1 … candidates. Default 1. */
  readonly keep?: number;
}

/** A picture that was drawn, whether or not it was kept. */
export interface Candidate {
  readonly seed: number;
  /** Cosine of the prompt's and the picture's CLIP embeddings, −1 … 1. */
  readonly cosine: number;
  readonly kept: boolean;
}

export interface BestOfResult extends GenerateResult {
  /** In the order of their seeds. `images` are those kept, the best first. */
  readonly candidates: readonly Candidate[];
}

/**
 * Draws candidates and keeps those that CLIP finds fit the prompt best, as DALL·E reranks its samples (arXiv 2102.12092,
 * section 2.6). A kept picture is the one that its seed alone would give; its parameters say cosine and number of candidates.
 * Memory is that of the pictures kept and one batch.
 * @throws UnclipError INPUT_* before anything is drawn, MODEL_CONFIG_INVALID (no prior, no image encoder), CANCELLED, GPU_*
 */
export function bestOf(engine: Engine, request: BestOfRequest): Promise<BestOfResult> {
  const { candidates: count, keep = 1, signal, onProgress } = request;
  const { info } = engine.model;
  const check = () => {
    engine.model.requirePrior();
    engine.model.requireImageEncoder();
    const checked = checkRequest({ ...request, n: count }, info.defaults);
    if (!Number.isInteger(keep) || keep < 1 || keep > count)
      throw new UnclipError('INPUT_INVALID', `keep is ${keep}: give a whole number, 1 to the ${count} candidates`);
    return checked;
  };
  return engine.exclusive(check, async ({ prompt, seed, settings }) => {
    const begin = performance.now();
    const timings = new Map<string, number>();
    const [text] = await engine.clip.texts([prompt], { signal });
    const scores: { seed: number; cosine: number }[] = [];
    let best: { image: GeneratedImage; cosine: number }[] = [];
    while (scores.length < count) {
      const done = scores.length;
      const size = Math.min(engine.batchSize, count - done);
      const items = Array.from({ length: size }, (_, k) => ({ prompt, seed: seed + done + k }));
      const drawn = await drawPictures(engine, items, {
        settings,
        signal,
        onProgress: (p) => {
          const batchMs = p.remainingMs === undefined ? undefined : p.elapsedMs + p.remainingMs;
          const remainingMs =
            batchMs === undefined ? undefined : p.remainingMs! + (batchMs / size) * (count - done - size);
          return onProgress?.({ ...p, done, total: count, remainingMs, elapsedMs: performance.now() - begin });
        },
      });
      for (const { stage, ms } of drawn.timings) timings.set(stage, (timings.get(stage) ?? 0) + ms);
      const mark = performance.now();
      const pictures = drawn.images.map(({ width, height, data }) => ({ width, height, channels: 4 as const, data }));
      for (const [k, embedding] of (await engine.clip.pictures(pictures, { signal })).entries()) {
        const cosine = cosineSimilarity(text!, embedding);
        scores.push({ seed: items[k]!.seed, cosine });
        best.push({ image: drawn.images[k]!, cosine });
      }
      best = best.sort((a, b) => b.cosine - a.cosine).slice(0, keep);
      timings.set('clip', (timings.get('clip') ?? 0) + performance.now() - mark);
    }
    const seeds = new Set(best.map(({ image }) => image.seed));
    const { vocabulary } = info;
    return {
      images: best.map(({ image: { width, height, data, parameters }, cosine }) => {
        return new GeneratedImage(width, height, data, { ...parameters, candidates: count, cosine });
      }),
      candidates: scores.map((score) => ({ ...score, kept: seeds.has(score.seed) })),
      timings: [...timings].map(([stage, ms]) => ({ stage, ms })),
      unknownWords: vocabulary === undefined ? [] : unknownWords(prompt, new Set(vocabulary)),
      seed,
    };
  });
}

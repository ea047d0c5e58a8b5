import { unknownWords } from '../text/words.js';
import { type DrawHooks, type DrawResult, drawPictures } from './drawing.js';
import type { Engine } from './engine.js';
import { checkRequest, type PictureRequest } from './request.js';

export interface GenerateRequest extends PictureRequest, DrawHooks {}

export interface GenerateResult extends DrawResult {
  /** Words of the prompt that the model has never seen; always empty for models that say nothing of their vocabulary. */
  readonly unknownWords: readonly string[];
  /** Seed of the first picture. */
  readonly seed: number;
}

/**
 * DALL·E 2's text-to-image (arXiv 2204.06125; diffusers' UnCLIPPipeline): text encoder → prior → decoder → upsamplers.
 * @throws UnclipError INPUT_* before anything is allocated, MODEL_CONFIG_INVALID (no prior), CANCELLED, GPU_*
 */
export function textToImage(engine: Engine, request: GenerateRequest): Promise<GenerateResult> {
  const { info } = engine.model;
  const check = () => {
    engine.model.requirePriorOf(request);
    return checkRequest(request, info.defaults);
  };
  return engine.exclusive(check, async ({ prompt, n, seed, settings }) => {
    const { signal, onProgress, onImage } = request;
    const items = Array.from({ length: n }, (_, k) => ({ prompt, seed: seed + k }));
    const drawn = await drawPictures(engine, items, { settings, signal, onProgress, onImage });
    const { vocabulary } = info;
    return {
      ...drawn,
      unknownWords: vocabulary === undefined ? [] : unknownWords(prompt, new Set(vocabulary)),
      seed,
    };
  });
}

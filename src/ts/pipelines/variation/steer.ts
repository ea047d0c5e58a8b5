import { turnTowards } from '../../diffusion/slerp.js';
import type { PictureInput } from '../../image/picture-input.js';
import { checkPrompt } from '../../text/words.js';
import { UnclipError } from '../../util/errors.js';
import { type Embedding, embeddingNorm, normalized } from '../clip/embedding.js';
import type { DrawHooks } from '../drawing.js';
import type { Engine } from '../engine.js';
import { checkRequest, type PictureRequest } from '../request.js';
import { checkFrames, drawFrames, type FramesResult } from './frames.js';
import { invertible, leaving, refuseSampler } from './invert-picture.js';
import { embedParts } from './parts.js';
import { Stages } from './stages.js';

export interface SteerRequest
  extends Omit<PictureRequest, 'prompt' | 'n' | 'priorSteps' | 'priorGuidanceScale'>,
    DrawHooks {
  readonly picture: PictureInput;
  /** What the picture shows, and what it is to show instead. */
  readonly from: string;
  readonly to: string;
  /** Frames, the first of them the picture itself, 2 … 240. Default 6. */
  readonly frames?: number;
  /** How far the last frame goes: part of the angle between the picture's embedding and the direction, 0 … 1. Default 0.3. */
  readonly amount?: number;
}

/** Default of {@link SteerRequest.amount}, from the paper's range of 0.25 to 0.5. */
const AMOUNT = 0.3;

/**
 * The direction in CLIP's space from one text to another: the difference of their embeddings, each of length 1, at length 1.
 * @throws UnclipError INPUT_INVALID when the texts have the same embedding
 */
export function textDirection(from: Embedding, to: Embedding): Embedding {
  const [a, b] = [normalized(from), normalized(to)];
  const difference = b.map((value, i) => value - a[i]!);
  if (embeddingNorm(difference) < 1e-4)
    throw new UnclipError('INPUT_INVALID', 'from and to mean the same to this model; give two different texts');
  return normalized(difference);
}

/**
 * Text diffs (arXiv 2204.06125, section 3.3): the picture's embedding turned step by step towards the direction from one text to
 * another, decoded by DDIM from the picture's own x_T, see {@link leaving}.
 * @throws UnclipError INPUT_*, MODEL_CONFIG_INVALID (no image encoder), CANCELLED, GPU_*
 */
export function steer(engine: Engine, request: SteerRequest): Promise<FramesResult> {
  const { picture, from, to, frames = 6, amount = AMOUNT } = request;
  const check = () => {
    for (const text of [from, to]) checkPrompt(text);
    if (!(amount >= 0 && amount <= 1))
      throw new UnclipError('INPUT_INVALID', `amount is ${amount}: give a number, 0 to 1`);
    checkFrames(frames);
    engine.model.requireImageEncoder();
    refuseSampler(request);
    return checkRequest({ ...request, n: 1, prompt: '' }, engine.model.info.defaults);
  };
  return engine.exclusive(check, async ({ seed, settings: given }) => {
    const stages = new Stages(request, frames);
    const { signal } = request;
    const texts = await stages.time('embed', () => engine.clip.texts([from, to], { signal }));
    const direction = textDirection(texts[0]!, texts[1]!);
    const how = { seed, settings: given, invert: true, stages };
    const [part] = await embedParts(engine, [{ picture }], how, request);
    const { imageEmbeds, inverted } = part!;
    const settings = { ...invertible(given), decoderGuidanceScale: given.decoderGuidanceScale };
    const frame = (index: number) => {
      const way = index / (frames - 1);
      return {
        imageEmbeds: turnTowards(imageEmbeds, direction, amount * way),
        ...leaving(inverted!.start, way, settings.decoderGuidanceScale),
        origin: { operation: 'steer', from, to, frame: index + 1, amount: amount * way },
      };
    };
    return drawFrames(engine, frames, frame, { seed, settings, stages }, request);
  });
}

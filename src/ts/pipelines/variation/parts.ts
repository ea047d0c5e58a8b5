import { WHITE } from '../../image/decode.js';
import { type PictureInput, readPicture } from '../../image/picture-input.js';
import { checkPrompt } from '../../text/words.js';
import { UnclipError } from '../../util/errors.js';
import type { DrawHooks } from '../drawing.js';
import type { Engine } from '../engine.js';
import { PerImageNoise } from '../noise.js';
import { PriorRun } from '../prior-run.js';
import { stepDone, submitPrograms, throwIfAborted } from '../run-stage.js';
import { isGuided, type SamplingSettings } from '../settings.js';
import { type InvertedPicture, invertPicture } from './invert-picture.js';
import type { Stages } from './stages.js';

/** Something with a CLIP image embedding: a picture's own, or the one that the prior makes of a prompt. */
export type EmbeddingSource = { readonly picture: PictureInput } | { readonly prompt: string };

/** An {@link EmbeddingSource} made ready for the decoder. */
export interface EmbeddedPart {
  /** f32 [E], not normalised. */
  readonly imageEmbeds: Float32Array;
  /** Where it was asked for, and the part is a picture. */
  readonly inverted: InvertedPicture | undefined;
}

/** @throws UnclipError INPUT_INVALID, MODEL_CONFIG_INVALID for a network that the model lacks */
export function checkSources(engine: Engine, sources: readonly EmbeddingSource[]): void {
  for (const source of sources) {
    const isPicture = 'picture' in source;
    if (isPicture === 'prompt' in source)
      throw new UnclipError('INPUT_INVALID', 'each part is either { picture } or { prompt }');
    if (isPicture) {
      engine.model.requireImageEncoder();
      continue;
    }
    checkPrompt(source.prompt);
    engine.model.requirePrior();
  }
}

/**
 * Embeddings, and x_T of the pictures when `invert`. One after the other: many pictures take no more memory than one.
 * @throws UnclipError INPUT_PICTURE_INVALID, CANCELLED, GPU_*
 */
export async function embedParts(
  engine: Engine,
  sources: readonly EmbeddingSource[],
  how: {
    readonly seed: number;
    readonly settings: SamplingSettings;
    readonly invert: boolean;
    readonly stages: Stages;
  },
  { signal }: DrawHooks,
): Promise<EmbeddedPart[]> {
  const { stages, settings } = how;
  const pictures = sources.filter((source) => 'picture' in source).length;
  const parts: EmbeddedPart[] = [];
  let done = 0;
  for (const source of sources) {
    throwIfAborted(signal);
    if ('prompt' in source) {
      const imageEmbeds = await stages.time('prior', () => priorEmbedding(engine, source.prompt, how, signal));
      parts.push({ imageEmbeds, inverted: undefined });
      continue;
    }
    const picture = await readPicture(source.picture, { background: WHITE });
    const [imageEmbeds] = (await stages.time('embed', () => engine.clip.pictures([picture], { signal }))) as [
      Float32Array,
    ];
    const first = done++;
    const onStep = (step: number, steps: number): Promise<void> =>
      stages.tell('inversion', first * steps + step, pictures * steps);
    const invert = () => invertPicture(engine, picture, imageEmbeds, settings, { signal, onStep });
    parts.push({ imageEmbeds, inverted: how.invert ? await stages.time('inversion', invert) : undefined });
  }
  return parts;
}

/** The image embedding f32 [E] that the prior makes of a prompt, with the normal draws of a seed. */
async function priorEmbedding(
  engine: Engine,
  prompt: string,
  { seed, settings, stages }: { readonly seed: number; readonly settings: SamplingSettings; readonly stages: Stages },
  signal: AbortSignal | undefined,
): Promise<Float32Array> {
  const { runtime, model } = engine;
  const programs = engine.programs(1, isGuided(settings));
  programs.text.write([prompt]);
  await submitPrograms(runtime, programs.text.encoder);
  const prior = new PriorRun(runtime, model, programs, settings);
  await prior.begin();
  await runtime.device.idle();
  await stepDone({ signal }, { stage: 'text', step: 1, steps: 1 });
  await prior.run(new PerImageNoise([seed]), {
    signal,
    onStep: ({ stage, step, steps }) => stages.tell(stage, step, steps),
  });
  return programs.drawing.imageEmbeds.read();
}

import { type Resampling, repaintWalk } from '../diffusion/repaint.js';
import { DrawingRun, type Inpainting, type KnownPicture, type PictureStart } from './drawing-run.js';
import type { Engine } from './engine.js';
import type { GeneratedImage } from './generated-image.js';
import { PerImageNoise } from './noise.js';
import { finishedImage } from './picture-parameters.js';
import { PriorArRun } from './prior-ar-run.js';
import { PriorRun } from './prior-run.js';
import { preparePrograms } from './programs/options.js';
import type { ProgramSet } from './programs/program-set.js';
import { type GenerateProgress, Pace, previewPictures } from './progress.js';
import { type RunHooks, stepDone, submitPrograms, throwIfAborted } from './run-stage.js';
import { isGuided, type SamplingSettings } from './settings.js';

/** One picture to draw. */
export interface DrawItem extends PictureStart {
  /** What the networks are told in words; empty for variations. */
  readonly prompt: string;
  readonly seed: number;
  /** CLIP image embedding f32 [E], not normalised. Default: the prior's, from the prompt. All pictures of a call have one, or none. */
  readonly imageEmbeds?: Float32Array;
  /** What is known of the picture (masked sampling). All pictures of a call have it, or none. */
  readonly known?: KnownPicture;
  /** What else made the picture, for its parameters. */
  readonly origin?: Readonly<Record<string, unknown>>;
}

/** How a caller follows and stops a request. */
export interface DrawHooks {
  /** Aborting stops the run within one step with UnclipError CANCELLED. */
  readonly signal?: AbortSignal;
  /** Called after every step and awaited. */
  readonly onProgress?: (progress: GenerateProgress) => void | Promise<void>;
  /** Called with every picture, and its place in the request from 0, as soon as its batch is done; awaited. */
  readonly onImage?: (image: GeneratedImage, index: number) => void | Promise<void>;
}

export interface DrawOptions extends DrawHooks {
  readonly settings: SamplingSettings;
  /** How the decoder brings what it draws into harmony with what is known. Default: every step once. */
  readonly resampling?: Resampling;
}

export interface DrawResult {
  readonly images: readonly GeneratedImage[];
  /** Wall time by stage, in the order of the run. */
  readonly timings: readonly { readonly stage: string; readonly ms: number }[];
}

type Told = Omit<GenerateProgress, 'done' | 'batch' | 'total' | 'elapsedMs'>;

/**
 * Draws pictures in batches of the engine's size; a picture does not depend on its batch. To be called in the engine's turn.
 * @throws UnclipError CANCELLED within one step of the signal, GPU_*, MODEL_CONFIG_INVALID (no prior where one is needed)
 */
export async function drawPictures(
  engine: Engine,
  items: readonly DrawItem[],
  options: DrawOptions,
): Promise<DrawResult> {
  const { settings, signal, resampling = { resample: 1, jump: 1 } } = options;
  const withPrior = items.some((item) => item.imageEmbeds === undefined);
  const masked = items.some((item) => item.known !== undefined);
  const decoderSteps = masked ? repaintWalk(settings.decoderSteps, resampling).length : settings.decoderSteps;
  const images: GeneratedImage[] = [];
  const timings = new Map<string, number>();
  const begin = performance.now();
  let mark = begin;
  const lap = (stage: string): void => {
    const now = performance.now();
    timings.set(stage, (timings.get(stage) ?? 0) + now - mark);
    mark = now;
  };
  while (images.length < items.length) {
    throwIfAborted(signal);
    const batch = items.slice(images.length, images.length + engine.batchSize);
    const programs = engine.programs(batch.length, isGuided(settings));
    const pace = new Pace(programs, { ...settings, decoderSteps }, withPrior);
    const told = { done: images.length, batch: batch.length, total: items.length };
    const tell = async (p: Told): Promise<void> =>
      options.onProgress?.({ ...p, ...told, elapsedMs: performance.now() - begin });
    if (images.length === 0) {
      await preparePrograms(programs.text, ...(withPrior ? [programs.priorOf(settings)] : []), programs.drawing);
      if (masked) await preparePrograms(programs.inpainting);
      lap('load');
      await tell({ stage: 'load', step: 1, steps: 1, remainingMs: undefined });
      pace.restart();
    }
    const batchesLeft = Math.ceil((items.length - images.length - batch.length) / engine.batchSize);
    await drawBatch(
      engine,
      programs,
      batch,
      { settings, resampling },
      {
        signal,
        onStep: async (progress, sampler) => {
          lap(progress.stage);
          const preview =
            sampler !== undefined && progress.stage !== 'prior' ? () => previewPictures(sampler) : undefined;
          await tell({ ...progress, remainingMs: pace.step(progress.stage, batchesLeft), preview });
        },
      },
    );
    const drawn = await readPictures(engine, programs, batch, settings);
    lap('pixels');
    for (const image of drawn) {
      await options.onImage?.(image, images.length);
      images.push(image);
    }
    mark = performance.now();
  }
  return { images, timings: [...timings].map(([stage, ms]) => ({ stage, ms })) };
}

async function drawBatch(
  engine: Engine,
  programs: ProgramSet,
  batch: readonly DrawItem[],
  { settings, resampling }: Required<Pick<DrawOptions, 'settings' | 'resampling'>>,
  hooks: RunHooks,
): Promise<void> {
  const { runtime, model } = engine;
  const noise = new PerImageNoise(batch.map(({ seed }) => seed));
  const embeddings = batch.map(({ imageEmbeds }) => imageEmbeds);
  const prior = embeddings.includes(undefined) ? priorRun(engine, programs, settings) : undefined;
  programs.text.write(batch.map(({ prompt }) => prompt));
  await submitPrograms(runtime, programs.text.encoder);
  await prior?.begin();
  await runtime.device.idle();
  await stepDone(hooks, { stage: 'text', step: 1, steps: 1 });
  await prior?.run(noise, hooks);
  for (const [k, embedding] of embeddings.entries())
    if (embedding !== undefined) programs.drawing.imageEmbeds.write(embedding, k * embedding.length);
  const run = new DrawingRun(runtime, model, programs, settings, batch);
  const known = batch.flatMap((item) => item.known ?? []);
  const inpainting: Inpainting | undefined = known.length > 0 ? { known, resampling } : undefined;
  await run.run(noise, hooks, inpainting);
}

const priorRun = (
  { runtime, model }: Engine,
  programs: ProgramSet,
  settings: SamplingSettings,
): PriorRun | PriorArRun =>
  settings.prior === 'ar'
    ? new PriorArRun(runtime, programs, settings)
    : new PriorRun(runtime, model, programs, settings);

async function readPictures(
  engine: Engine,
  programs: ProgramSet,
  batch: readonly DrawItem[],
  settings: SamplingSettings,
): Promise<GeneratedImage[]> {
  const words = await programs.drawing.pixels.state('pixels').readWords();
  const bytes = new Uint8Array(words.buffer, words.byteOffset, words.byteLength);
  const size = bytes.length / batch.length;
  return batch.map((item, k) => finishedImage(engine, item, settings, bytes.slice(k * size, (k + 1) * size)));
}

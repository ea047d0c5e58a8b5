import { z } from 'zod';
import type { Picture } from '../../image/picture.js';
import { checkPrompt } from '../../text/words.js';
import { UnclipError } from '../../util/errors.js';
import type { Checkpoint } from '../checkpoint.js';
import type { DrawItem } from '../drawing.js';
import { checkSeed, checkSettings, parseOptions } from '../request.js';
import type { SamplingSettings } from '../settings.js';

export interface SchedulerOptions {
  /** Most pictures in a batch. Default: the engine's batch size. */
  readonly maxBatch?: number;
  /** Most pictures under way at once, in whatever stages. Default: twice {@link maxBatch}. */
  readonly maxActive?: number;
  /** Most pictures waiting to begin; more are refused. Default 1024. */
  readonly maxQueued?: number;
  /** Longest that a picture is held at a step boundary so that others can join its batch, milliseconds. Default 50. */
  readonly queueDelayMs?: number;
  /**
   * Whether pictures outlive the device: their samples are copied to the CPU after every step, and should the device be lost, it
   * is opened anew and they go on from their last step. Default true.
   */
  readonly recover?: boolean;
}

/** What is told after each step of a picture. */
export interface PictureStep {
  /** Index of the picture in its request. */
  readonly picture: number;
  readonly stage: 'text' | 'prior' | 'decoder' | 'superRes';
  /** Steps of the stage that are done, 1 … steps. */
  readonly step: number;
  readonly steps: number;
  /** Pictures in the batch that took the step. */
  readonly batch: number;
}

export interface SubmitOptions {
  /** Default: the model's. */
  readonly settings?: Partial<SamplingSettings>;
  /** Number of the request that the pictures belong to, 0 or more, where it is submitted in parts. Default: they are one of their own. */
  readonly request?: number;
  /** Higher goes first. Default 0. */
  readonly priority?: number;
  /** Clock (`performance.now()`) by which the pictures must be finished; later they fail with DEADLINE_EXCEEDED. */
  readonly deadline?: number;
  /** Aborting ends the pictures within one step with CANCELLED; others go on untouched. */
  readonly signal?: AbortSignal;
  /** Called after every step; not awaited. Should it throw, its picture fails with that, and no other. */
  readonly onStep?: (step: PictureStep) => void;
  /** How many unfinished states of each picture are given to {@link onPartial}, spread evenly over decoder and upsampler. Default 0. */
  readonly partialImages?: number;
  /**
   * Called after every step of the diffusion prior with what it predicts now: an image embedding f32 [E], not normalised, as the
   * decoder would get it; with the steps done, of how many, and the picture's index.
   */
  readonly onEmbedding?: (embedding: Float32Array, step: number, steps: number, picture: number) => void;
  /** Called with the predicted picture at the decoder's or upsampler's size, 0-based number of it, and the picture's index. */
  readonly onPartial?: (partial: Picture, number: number, picture: number) => void;
}

const count = z.int('give a whole number').min(1, 'give at least 1').optional();

const optionsSchema = z.object({
  maxBatch: count,
  maxActive: count,
  maxQueued: count,
  queueDelayMs: z.number('give a number').min(0, 'give 0 or more').optional(),
  recover: z.boolean('give true or false').optional(),
});

/** @throws UnclipError INPUT_INVALID naming the option */
export function checkSchedulerOptions(options: SchedulerOptions): void {
  parseOptions(optionsSchema, options);
}

const submitSchema = z.object({
  request: z.int('give a whole number').min(0, 'give 0 or more').optional(),
  priority: z.number('give a number').optional(),
  deadline: z.number('give a number').optional(),
  partialImages: z.int('give a whole number').min(0, 'give 0 or more').optional(),
});

/**
 * Checks what is asked of a scheduler, before it takes any of it.
 * @returns the settings, with the model's defaults filled in
 * @throws UnclipError INPUT_*, MODEL_CONFIG_INVALID (no prior where one is needed)
 */
export function checkSubmission(
  model: Checkpoint,
  items: readonly DrawItem[],
  options: SubmitOptions,
): SamplingSettings {
  parseOptions(submitSchema, options);
  const settings = checkSettings(options.settings ?? {}, model.info.defaults);
  const width = model.configs.textProj.clip_embeddings_dim;
  for (const { prompt, seed, imageEmbeds, known } of items) {
    checkPrompt(prompt);
    checkSeed(seed);
    if (imageEmbeds === undefined) model.requirePriorOf(settings);
    else if (imageEmbeds.length !== width)
      throw new UnclipError(
        'INPUT_INVALID',
        `imageEmbeds has ${imageEmbeds.length} numbers; the model's have ${width}`,
      );
    if (known !== undefined)
      throw new UnclipError('INPUT_INVALID', 'a scheduler draws whole pictures; for masked ones there is Unclip.edit');
  }
  return settings;
}

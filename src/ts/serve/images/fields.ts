import { z } from 'zod';
import { SAMPLERS } from '../../diffusion/samplers/registry.js';
import { SPACINGS } from '../../diffusion/spacing.js';
import { PICTURE_FORMATS } from '../../image/encode.js';
import type { Checkpoint } from '../../pipelines/checkpoint.js';
import { PRIORS, type SamplingSettings } from '../../pipelines/settings.js';
import { ApiError } from '../http/api-error.js';
import type { Captions } from '../jobs/captions.js';
import type { Shown } from './drawing.js';

/** Most pictures of a request, as OpenAI has it. */
export const MOST_PICTURES = 10;

/** Longest prompt, characters, as OpenAI has it; the model reads 77 tokens. */
const LONGEST_PROMPT = 32_000;

const ACCEPTED = 'Accepted for compatibility; this model draws the same whatever it says.';

export interface FieldLimits {
  readonly maxSteps: number;
  /** Side of the model's pictures, pixels. */
  readonly size: number;
  /** Most pictures of a request. */
  readonly most: number;
}

export const promptField = z.string().max(LONGEST_PROMPT).describe('What to draw.');

/** Fields of every request for pictures: what is answered, and in which form. */
export const answerFields = ({ most }: FieldLimits) => ({
  model: z.string().nullish().describe('Name of the model, see /v1/models. Default: the one that is served.'),
  n: z.int().min(1).max(most).nullish().describe('Pictures to draw. Default 1.'),
  response_format: z
    .enum(['b64_json', 'url'])
    .nullish()
    .describe('b64_json (default): the pictures themselves. url: addresses, which work for a while.'),
  user: z.string().max(512).nullish().describe(ACCEPTED),
});

/** Of pictures that are not made from one. */
export const sizeField = ({ size }: FieldLimits) =>
  z
    .enum(['auto', `${size}x${size}`])
    .nullish()
    .describe('The model draws one size.');

/** Fields of the routes that stream and choose a file format. */
export const formatFields = {
  output_format: z.enum(PICTURE_FORMATS).nullish().describe('Default png.'),
  output_compression: z.int().min(0).max(100).nullish().describe('Quality of jpeg and webp. Default 100.'),
  stream: z.boolean().nullish().describe('Answer with server-sent events.'),
  partial_images: z.int().min(0).max(3).nullish().describe('Unfinished pictures to send while streaming. Default 0.'),
  background: z.enum(['auto', 'opaque']).nullish().describe('Pictures are opaque.'),
  quality: z
    .enum(['auto', 'standard', 'hd', 'low', 'medium', 'high', 'xhigh', 'max'])
    .nullish()
    .describe(`${ACCEPTED} See num_inference_steps.`),
  safety_identifier: z.string().max(512).nullish().describe('Given back in the answer.'),
};

/** Fields that OpenAI has for models of its own, which change nothing here. */
export const compatibleFields = {
  style: z.enum(['vivid', 'natural']).nullish().describe(ACCEPTED),
  moderation: z.enum(['low', 'auto']).nullish().describe(ACCEPTED),
  complexity: z.enum(['low', 'medium', 'high']).nullish().describe(ACCEPTED),
};

const steps = ({ maxSteps }: FieldLimits) => z.int().min(2).max(maxSteps).nullish();
const scale = z.number().min(0).max(100).nullish();

/** Fields beside the standard's: seed, steps and guidance, by the names that diffusers gives them. */
export const decoderSamplingFields = (limits: FieldLimits) => ({
  seed: z.int().min(0).nullish().describe('Of the first picture; picture k has seed + k. Default: a random one.'),
  num_inference_steps: steps(limits).describe('Steps of the decoder.'),
  guidance_scale: scale.describe('Guidance of the decoder; up to 1: none.'),
  super_res_num_inference_steps: steps(limits).describe('Steps of the upsampler.'),
  sampler: z.enum(SAMPLERS).nullish().describe('Of prior and decoder.'),
  spacing: z.enum(SPACINGS).nullish().describe('How the noise levels are spread. Default: as suits the sampler.'),
  eta: z.number().min(0).max(1).nullish().describe('Noise of sampler ddim.'),
});

/** Fields beside the standard's: what a stream shows on the way. */
export const previewField = {
  previews: z
    .int()
    .min(0)
    .max(250)
    .nullish()
    .describe('Unfinished pictures to send while streaming, with stage and step; in place of partial_images.'),
};

export const captionsField = {
  nearest_captions: z
    .int()
    .min(0)
    .max(20)
    .nullish()
    .describe("Captions nearest to the prior's prediction to send after each of its steps while streaming."),
};

/** What a request wants to see of its pictures before they are finished. */
export const shownOf = (body: {
  readonly partial_images?: number | null;
  readonly previews?: number | null;
  readonly nearest_captions?: number | null;
}): Shown => ({
  partials: body.previews ?? body.partial_images ?? 0,
  previews: body.previews != null,
  captions: body.nearest_captions ?? 0,
});

/** The same for what is drawn from text. */
export const samplingFields = (limits: FieldLimits) => ({
  ...decoderSamplingFields(limits),
  prior_num_inference_steps: steps(limits).describe('Steps of the prior.'),
  prior_guidance_scale: scale.describe('Guidance of the prior; up to 1: none.'),
  prior: z.enum(PRIORS).nullish().describe('Which prior turns text into an image embedding. Default diffusion.'),
  prior_temperature: z.number().min(0).max(100).nullish().describe('Of prior ar.'),
  prior_top_k: z.int().min(0).max(65536).nullish().describe('Of prior ar; 0: all codes.'),
});

/** The sampling fields of a request, checked. */
export type SamplingBody = Partial<z.output<z.ZodObject<ReturnType<typeof samplingFields>>>>;

/** The library's settings that a request gives. */
export function givenSettings(body: SamplingBody): Partial<SamplingSettings> & { readonly seed: number | undefined } {
  return {
    seed: body.seed ?? undefined,
    decoderSteps: body.num_inference_steps ?? undefined,
    decoderGuidanceScale: body.guidance_scale ?? undefined,
    priorSteps: body.prior_num_inference_steps ?? undefined,
    priorGuidanceScale: body.prior_guidance_scale ?? undefined,
    prior: body.prior ?? undefined,
    priorTemperature: body.prior_temperature ?? undefined,
    priorTopK: body.prior_top_k ?? undefined,
    superResSteps: body.super_res_num_inference_steps ?? undefined,
    sampler: body.sampler ?? undefined,
    spacing: body.spacing ?? undefined,
    eta: body.eta ?? undefined,
  };
}

/** @throws ApiError 404 for a model that is not served here */
export function checkModel(name: string | null | undefined, names: readonly string[]): void {
  if (name == null || names.includes(name)) return;
  throw new ApiError(404, `The model '${name.slice(0, 100)}' does not exist or you do not have access to it.`, {
    param: 'model',
    code: 'model_not_found',
  });
}

/** @throws ApiError 400 for a model that reads no pictures */
export function requireImageEncoder({ configs, info }: Checkpoint): void {
  if (configs.imageEncoder === null)
    throw new ApiError(400, `The model '${info.name}' draws from text only and makes no variations of pictures.`, {
      param: 'model',
      code: 'unsupported_model',
    });
}

/** @throws ApiError 400 for a model that has not the prior that is asked for */
export function requirePrior({ configs, info }: Checkpoint, prior: SamplingSettings['prior']): void {
  if ((prior === 'ar' ? configs.priorAr : configs.prior) !== null) return;
  const message =
    prior === 'ar'
      ? `The model '${info.name}' has no autoregressive prior.`
      : `The model '${info.name}' makes variations of pictures, not pictures from text.`;
  throw new ApiError(400, message, { param: prior === 'ar' ? 'prior' : 'model', code: 'unsupported_model' });
}

/** @throws ApiError 400 where there is nothing to say the prior's predictions by */
export function requireCaptions({ texts }: Captions, { prior }: SamplingSettings): void {
  const param = 'nearest_captions';
  if (prior === 'ar')
    throw new ApiError(400, 'The autoregressive prior predicts no image embedding before its last step.', { param });
  if (texts.length === 0)
    throw new ApiError(400, 'No captions are known of this model; `unclip serve --captions` gives it some.', { param });
}

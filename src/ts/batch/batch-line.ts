import { createHash } from 'node:crypto';
import { z } from 'zod';
import { SAMPLERS } from '../diffusion/samplers/registry.js';
import { SPACINGS } from '../diffusion/spacing.js';
import { editDefaults } from '../pipelines/edit/edit.js';
import type { ModelInfo } from '../pipelines/model-info.js';
import { type CheckedRequest, checkRequest, type PictureRequest } from '../pipelines/request.js';
import { PRIORS } from '../pipelines/settings.js';
import { UnclipError } from '../util/errors.js';
import type { NamedPictures } from './brought-pictures.js';

/** A line of a batch file, checked: one request. */
export interface BatchLine extends CheckedRequest {
  /** From 1. */
  readonly line: number;
  /** The caller's own name of it (`id`, `custom_id`). */
  readonly id?: string;
  /** What it draws from, beside its words. */
  readonly named?: NamedPictures;
}

const settings = {
  prior: z.enum(PRIORS).optional(),
  priorSteps: z.number().optional(),
  decoderSteps: z.number().optional(),
  superResSteps: z.number().optional(),
  priorGuidanceScale: z.number().optional(),
  priorTemperature: z.number().optional(),
  priorTopK: z.number().optional(),
  decoderGuidanceScale: z.number().optional(),
  sampler: z.enum(SAMPLERS).optional(),
  spacing: z.enum(SPACINGS).optional(),
  eta: z.number().optional(),
};

/** `{"prompt": …}`: the library's own names. With `image`, an edit of it; with `image` alone, variations. */
const bare = z.strictObject({
  id: z.string().max(512).optional(),
  prompt: z.string().optional(),
  image: z.string().optional(),
  mask: z.string().optional(),
  n: z.number().optional(),
  seed: z.number().optional(),
  ...settings,
});

const brought = z.strictObject({ path: z.string(), sha256: z.string() });

/** A line of a manifest: the request of one picture, with what came of it. */
const manifestLine = z.looseObject({
  key: z.string(),
  sha256: z.string(),
  id: z.string().optional(),
  prompt: z.string(),
  seed: z.number(),
  settings: z.strictObject(settings),
  brought: z.strictObject({ operation: z.enum(['vary', 'edit']), image: brought, mask: brought.optional() }).optional(),
});

/** A line of OpenAI's Batch API for its image generations. Fields that cannot change a picture of this model are let pass. */
const openAi = z.strictObject({
  custom_id: z.string().max(512),
  method: z.literal('POST'),
  url: z.literal('/v1/images/generations'),
  body: z.strictObject({
    prompt: z.string(),
    n: z.number().nullish(),
    seed: z.number().nullish(),
    num_inference_steps: z.number().nullish(),
    guidance_scale: z.number().nullish(),
    size: z.string().nullish(),
    model: z.string().nullish(),
    user: z.string().nullish(),
    quality: z.string().nullish(),
    style: z.string().nullish(),
    response_format: z.string().nullish(),
  }),
});

export interface LineContext {
  readonly defaults: ModelInfo['defaults'];
  /** Side of the model's pictures, pixels. */
  readonly size: number;
  /** What seeds of lines that give none are made from. */
  readonly seed: number;
}

/**
 * Reads one line of a batch file: `{"prompt": …}` with the library's field names (an edit with `image` and `mask`, a variation with
 * `image` and no prompt), a line of OpenAI's Batch API, or a line of a manifest, which asks for that very picture again. A line without a seed gets one from its number and the run's seed, so that
 * the same file gives the same pictures, and equal prompts different ones.
 * @throws UnclipError INPUT_INVALID, INPUT_TOO_LARGE
 */
export function parseBatchLine(text: string, line: number, context: LineContext): BatchLine {
  let json: unknown;
  try {
    json = JSON.parse(text);
  } catch (cause) {
    throw new UnclipError('INPUT_INVALID', `the line is not JSON (${(cause as Error).message})`, { cause });
  }
  if (typeof json !== 'object' || json === null || Array.isArray(json))
    throw new UnclipError('INPUT_INVALID', 'the line is not a JSON object; give {"prompt": "…"}');
  const { id, named, ...request } = requestOf(json, context);
  const seed = request.seed ?? lineSeed(context.seed, line);
  const defaults = named?.operation === 'edit' ? editDefaults(context.defaults) : context.defaults;
  return { ...checkRequest({ ...request, seed }, defaults), line, id, named };
}

interface LineRequest extends PictureRequest {
  readonly id?: string;
  readonly named?: NamedPictures;
}

function requestOf(json: object, { size }: LineContext): LineRequest {
  if ('custom_id' in json || 'body' in json) {
    const { custom_id: id, body } = checked(openAi, json);
    if (body.size != null && body.size !== 'auto' && body.size !== `${size}x${size}`)
      throw new UnclipError('INPUT_INVALID', `size is '${body.size}': this model draws ${size}x${size}`);
    return {
      id,
      prompt: body.prompt,
      n: body.n ?? undefined,
      seed: body.seed ?? undefined,
      decoderSteps: body.num_inference_steps ?? undefined,
      decoderGuidanceScale: body.guidance_scale ?? undefined,
    };
  }
  if ('sha256' in json) {
    const { id, prompt, seed, settings: given, brought: named } = checked(manifestLine, json);
    return { id, prompt, seed, ...given, named };
  }
  return bareRequest(checked(bare, json));
}

function bareRequest({ prompt, image, mask, ...rest }: z.output<typeof bare>): LineRequest {
  if (image !== undefined && prompt !== undefined)
    return { ...rest, prompt, named: { operation: 'edit', image, mask } };
  if (mask !== undefined)
    throw new UnclipError('INPUT_INVALID', 'mask: it belongs to an edit; give image and prompt with it');
  // The prior has no part in a variation, and its guidance no say in whether the decoder is guided.
  if (image !== undefined) return { ...rest, prompt: '', priorGuidanceScale: 1, named: { operation: 'vary', image } };
  if (prompt === undefined) throw new UnclipError('INPUT_INVALID', 'prompt: give what to draw, or an image to vary');
  return { ...rest, prompt };
}

function checked<T>(schema: z.ZodType<T>, json: object): T {
  const parsed = schema.safeParse(json);
  if (parsed.success) return parsed.data;
  const issue = parsed.error.issues[0]!;
  const where = issue.code === 'unrecognized_keys' ? `unknown field '${issue.keys[0]}'` : issue.path.join('.');
  throw new UnclipError('INPUT_INVALID', `${where || 'the line'}: ${issue.message}`);
}

/** 31 bits of SHA-256 over the run's seed and the line's number. */
const lineSeed = (seed: number, line: number): number =>
  createHash('sha256').update(`${seed}/${line}`).digest().readUInt32BE(0) >>> 1;

import type { PictureFormat } from '../../image/encode.js';
import type { Checkpoint } from '../../pipelines/checkpoint.js';
import { GeneratedImage } from '../../pipelines/generated-image.js';
import type { SamplingSettings } from '../../pipelines/settings.js';
import { ApiError } from '../http/api-error.js';
import type { Service } from '../service.js';
import type { Sides } from './upload.js';

/** How pictures are answered. */
export interface AnswerForm {
  readonly format: PictureFormat;
  /** Of jpeg and webp, 1 … 100. */
  readonly quality: number;
  /** What URLs of pictures begin with; undefined: the pictures themselves are answered. */
  readonly urls: string | undefined;
  /** Echoed where the standard has a word for it. */
  readonly requestedQuality: string | undefined;
  readonly safetyIdentifier: string | undefined;
}

interface FormBody {
  readonly response_format?: string | null;
  readonly output_format?: PictureFormat | null;
  readonly output_compression?: number | null;
  readonly quality?: string | null;
  readonly safety_identifier?: string | null;
  readonly user?: string | null;
}

const QUALITIES: readonly string[] = ['low', 'medium', 'high', 'xhigh', 'max'];

/**
 * @param base address of this service, as the client knows it
 * @throws ApiError 400 for a compression that the format has not
 */
export function answerForm(body: FormBody, base: string): AnswerForm {
  const format = body.output_format ?? 'png';
  const compression = body.output_compression ?? 100;
  if (format === 'png' && compression < 100)
    throw new ApiError(400, 'Compression less than 100 is not supported for PNG output format.', {
      param: 'output_compression',
      code: 'invalid_png_output_compression',
    });
  const { quality } = body;
  return {
    format,
    quality: Math.max(1, compression),
    urls: body.response_format === 'url' ? base : undefined,
    requestedQuality: quality != null && QUALITIES.includes(quality) ? quality : undefined,
    safetyIdentifier: body.safety_identifier || body.user || undefined,
  };
}

/** A picture of an answer: itself or its address, and beside the standard the seed that makes it again. */
export interface AnsweredPicture {
  readonly b64_json?: string;
  readonly url?: string;
  readonly seed: number;
}

/**
 * Encodes a picture, and keeps it where its address is asked for. The file names the model, not its folder: where that lies on this
 * machine is nothing that clients should know.
 * @throws UnclipError IO_*
 */
export async function answerPicture(
  image: GeneratedImage,
  { format, quality, urls }: AnswerForm,
  { files, modelNames }: Pick<Service, 'files' | 'modelNames'>,
): Promise<AnsweredPicture> {
  const { width, height, data, parameters } = image;
  const named = new GeneratedImage(width, height, data, { ...parameters, model: modelNames[0]! });
  const bytes = await named.encode(format, quality);
  if (urls === undefined) return { b64_json: bytes.toString('base64'), seed: image.seed };
  return { url: `${urls}/pictures/${await files.keep(bytes, format)}`, seed: image.seed };
}

/** OpenAI's count of tokens: what the text encoder reads. Pictures are not made of tokens here. */
export interface Usage {
  readonly input_tokens: number;
  readonly input_tokens_details: { readonly text_tokens: number; readonly image_tokens: number };
  readonly output_tokens: number;
  readonly total_tokens: number;
}

export function usageOf({ tokenizer }: Checkpoint, prompt: string): Usage {
  const tokens = tokenizer.encode(prompt).length;
  return {
    input_tokens: tokens,
    input_tokens_details: { text_tokens: tokens, image_tokens: 0 },
    output_tokens: 0,
    total_tokens: tokens,
  };
}

/** What stands beside the pictures of an answer and in every event of a stream. */
export const commonFields = ({ width, height }: Sides, { format }: AnswerForm) =>
  ({ background: 'opaque', output_format: format, size: `${width}x${height}` }) as const;

/** Steps and guidance of an answer, by the names that requests give them: of what draws from an image embedding. */
export const decoderFields = (s: SamplingSettings) => ({
  num_inference_steps: s.decoderSteps,
  guidance_scale: s.decoderGuidanceScale,
  super_res_num_inference_steps: s.superResSteps,
  sampler: s.sampler,
  spacing: s.spacing,
  eta: s.eta,
});

/** Steps and guidance of what draws from text. */
export const settingsFields = (s: SamplingSettings) => ({
  ...decoderFields(s),
  prior_num_inference_steps: s.priorSteps,
  prior_guidance_scale: s.priorGuidanceScale,
  prior: s.prior,
  prior_temperature: s.priorTemperature,
  prior_top_k: s.priorTopK,
});

/** Seconds since 1970, as the standard has times. */
export const unixTime = (): number => Math.floor(Date.now() / 1000);

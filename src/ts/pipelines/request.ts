import { z } from 'zod';
import { checkSampling } from '../diffusion/samplers/registry.js';
import { checkPrompt } from '../text/words.js';
import { UnclipError } from '../util/errors.js';
import type { ModelInfo } from './model-info.js';
import { PRIORS, type PriorChoice, type SamplingSettings } from './settings.js';

const steps = z.int('give a whole number').min(2, 'at least 2 are needed').max(1000, 'the schedule has 1000');
const scale = z.number('give a number').min(0, 'give 0 or more (up to 1: no guidance)').max(100, 'give 100 or less');

const settingsSchema = z.object({
  priorSteps: steps.optional(),
  decoderSteps: steps.optional(),
  superResSteps: steps.optional(),
  prior: z.enum(PRIORS, `give ${PRIORS.join(' or ')}`).optional(),
  priorGuidanceScale: scale.optional(),
  priorTemperature: z.number('give a number').min(0, 'give 0 or more').max(100, 'give 100 or less').optional(),
  priorTopK: z.int('give a whole number').min(0, 'give 0 (all) or more').max(65536, 'give 65536 or less').optional(),
  decoderGuidanceScale: scale.optional(),
  superResStart: z.number('give a number').min(0, 'give 0 or more').max(1, 'give 1 or less').optional(),
});

const seedSchema = z.int('give a whole number').min(0, 'give 0 or more');

const schema = z.object({
  n: z.int('give a whole number').min(1, 'draw at least 1').max(10_000, 'draw at most 10000 at once').default(1),
  seed: seedSchema.optional(),
});

/** What a caller may set of one request; everything but the prompt has a default from the model folder. */
export interface PictureRequest extends Partial<SamplingSettings> {
  readonly prompt: string;
  /** Pictures to draw, 1 … 10000. Default 1. */
  readonly n?: number;
  /** Seed of the first picture, 0 … 2^53 − 1; picture k has seed + k. Default: a random one. */
  readonly seed?: number;
}

/** A request with every default filled in. */
export interface CheckedRequest {
  readonly prompt: string;
  readonly n: number;
  readonly seed: number;
  readonly settings: SamplingSettings;
}

/** Random seeds are short, so that people can type them again. */
const RANDOM_SEEDS = 2 ** 31;

/**
 * Checks a request and fills in the model's defaults, before anything is allocated.
 * @throws UnclipError INPUT_INVALID naming the option; INPUT_TOO_LARGE for a prompt over 10 MB
 */
export function checkRequest(request: PictureRequest, defaults: ModelInfo['defaults']): CheckedRequest {
  checkPrompt(request.prompt);
  const { n, seed = Math.floor(Math.random() * RANDOM_SEEDS) } = parseOptions(schema, request);
  return { prompt: request.prompt, n, seed, settings: checkSettings(request, defaults) };
}

/**
 * Checks settings and fills in the model's defaults; settings that were checked come back as they are.
 * @throws UnclipError INPUT_INVALID naming the option
 */
export function checkSettings(given: Partial<SamplingSettings>, defaults: ModelInfo['defaults']): SamplingSettings {
  const parsed = parseOptions(settingsSchema, given);
  const { sampler, spacing, eta } = given;
  const chosen = sampler !== undefined || spacing !== undefined || eta !== undefined;
  checkPrior(parsed);
  const { ar, ...base } = defaults;
  const settings: SamplingSettings = {
    ...base,
    ...(parsed.prior === 'ar' ? ar : {}),
    ...(chosen ? checkSampling({ sampler, spacing, eta }) : {}),
  };
  for (const [key, value] of Object.entries(parsed)) if (value !== undefined) Object.assign(settings, { [key]: value });
  return settings;
}

/** @throws UnclipError INPUT_INVALID */
export function checkSeed(seed: number): void {
  parseOptions(z.object({ seed: seedSchema }), { seed });
}

/** What a schema makes of options. @throws UnclipError INPUT_INVALID naming the first one that is wrong */
export function parseOptions<S extends z.ZodType>(schema: S, given: object): z.output<S> {
  const parsed = schema.safeParse(given);
  if (parsed.success) return parsed.data;
  const issue = parsed.error.issues[0]!;
  const name = String(issue.path[0] ?? 'request');
  throw new UnclipError(
    'INPUT_INVALID',
    `${name} is ${String((given as Record<string, unknown>)[name])}: ${issue.message}`,
  );
}

/** Refuses options of the autoregressive prior where it is not asked for. */
function checkPrior(given: PriorChoice): void {
  if (given.prior === 'ar') return;
  for (const name of ['priorTemperature', 'priorTopK'] as const)
    if (given[name] !== undefined)
      throw new UnclipError('INPUT_INVALID', `${name} is ${given[name]}: it needs the autoregressive prior ('ar')`);
}

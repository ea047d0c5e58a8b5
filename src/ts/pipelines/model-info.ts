import { existsSync } from 'node:fs';
import { join } from 'node:path';
import { z } from 'zod';
import { UnclipError } from '../util/errors.js';
import { readModelJson } from '../util/json-file.js';
import type { SamplingSettings } from './settings.js';

const defaultsSchema = z.strictObject({
  priorSteps: z.int().min(2).max(1000),
  decoderSteps: z.int().min(2).max(1000),
  superResSteps: z.int().min(2).max(1000),
  priorGuidanceScale: z.number().min(0),
  decoderGuidanceScale: z.number().min(0),
  /** What differs with the autoregressive prior. */
  ar: z
    .strictObject({
      priorGuidanceScale: z.number().min(0),
      priorTemperature: z.number().min(0),
      priorTopK: z.int().min(0),
    })
    .partial()
    .optional(),
});

const schema = z.looseObject({
  name: z.string().min(1),
  version: z.string().optional(),
  defaults: defaultsSchema,
  /** Words of the captions that the model was trained on; absent when it knows them all. */
  vocabulary: z.array(z.string()).optional(),
  /** What its CLIP's cosines are multiplied with before the softmax over captions; absent: CLIP's usual 100. */
  logitScale: z.number().positive().max(1000).optional(),
  /** What it can draw, by group: things, colours, places… */
  world: z.record(z.string(), z.array(z.string())).optional(),
  /**
   * Captions that stand for what it can draw: the pattern with every choice of words for its groups in braces, which are those of
   * `words` or of `world`.
   */
  captions: z.strictObject({ pattern: z.string(), words: z.record(z.string(), z.array(z.string())) }).optional(),
});

/** What a model folder says of itself in `unclip.json`, beside diffusers' own files. */
export type ModelInfo = z.infer<typeof schema>;

/** Karlo's steps and guidance (diffusers' UnCLIPPipeline defaults): what a folder without `unclip.json` gets. */
const KARLO: SamplingSettings = {
  priorSteps: 25,
  decoderSteps: 25,
  superResSteps: 7,
  priorGuidanceScale: 4,
  decoderGuidanceScale: 8,
};

/**
 * Reads `unclip.json` of a model folder.
 * @throws UnclipError MODEL_CONFIG_INVALID naming the key
 */
export function readModelInfo(folder: string): ModelInfo {
  const path = join(folder, 'unclip.json');
  if (!existsSync(path)) return { name: 'unCLIP', defaults: KARLO };
  const parsed = schema.safeParse(readModelJson(path));
  if (parsed.success) return parsed.data;
  const issue = parsed.error.issues[0]!;
  throw new UnclipError('MODEL_CONFIG_INVALID', `${path}: ${issue.path.join('.') || 'top level'}: ${issue.message}`);
}

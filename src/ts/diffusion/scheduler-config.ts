import { join } from 'node:path';
import { z } from 'zod';
import { UnclipError } from '../util/errors.js';
import { readModelJson, shown } from '../util/json-file.js';

/** The values of a scheduler_config.json that this engine supports; defaults are those of diffusers' UnCLIPScheduler. */
const schema = z.strictObject({
  num_train_timesteps: z.int().min(2).max(100_000).default(1000),
  variance_type: z.enum(['fixed_small_log', 'learned_range']).default('fixed_small_log'),
  clip_sample: z.boolean().default(true),
  clip_sample_range: z.number().positive().default(1),
  prediction_type: z.enum(['epsilon', 'sample']).default('epsilon'),
  beta_schedule: z.literal('squaredcos_cap_v2').default('squaredcos_cap_v2'),
});

/** A checked scheduler_config.json of class UnCLIPScheduler. */
export type SchedulerConfig = z.infer<typeof schema>;

const invalid = (source: string, what: string, cause?: unknown) =>
  new UnclipError('MODEL_CONFIG_INVALID', `${source}: ${what}`, { cause });

/**
 * Checks the parsed JSON of a scheduler_config.json. Keys that start with `_` are diffusers' own notes and ignored,
 * save that `_class_name` must not name another scheduler.
 * @param source how messages name the file
 * @throws UnclipError MODEL_CONFIG_INVALID naming the key that is unknown or has an unsupported value
 */
export function parseSchedulerConfig(json: unknown, source = 'scheduler_config.json'): SchedulerConfig {
  if (typeof json !== 'object' || json === null || Array.isArray(json)) {
    throw invalid(source, 'must hold one JSON object; is this the file of a diffusers scheduler?');
  }
  const entries = Object.entries(json);
  const className = entries.find(([key]) => key === '_class_name')?.[1];
  if (className !== undefined && className !== 'UnCLIPScheduler') {
    throw invalid(source, `_class_name is ${shown(className)}; only UnCLIPScheduler is supported here`);
  }
  const result = schema.safeParse(Object.fromEntries(entries.filter(([key]) => !key.startsWith('_'))));
  if (result.success) return result.data;
  const issue = result.error.issues[0]!;
  if (issue.code === 'unrecognized_keys') {
    const known = Object.keys(schema.shape).join(', ');
    throw invalid(source, `unknown key ${shown(issue.keys[0])}; UnCLIPScheduler has ${known}`);
  }
  const key = String(issue.path[0]);
  const value = entries.find(([name]) => name === key)?.[1];
  throw invalid(source, `${key} is ${shown(value)}, which is not supported (${issue.message.toLowerCase()})`);
}

/**
 * Reads and checks `<folder>/scheduler_config.json`.
 * @throws UnclipError MODEL_FILE_MISSING, MODEL_FILE_INVALID (not JSON) or MODEL_CONFIG_INVALID
 */
export function loadSchedulerConfig(folder: string): SchedulerConfig {
  const path = join(folder, 'scheduler_config.json');
  return parseSchedulerConfig(readModelJson(path), path);
}

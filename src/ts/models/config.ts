import type { z } from 'zod';
import { UnclipError } from '../util/errors.js';
import { shown } from '../util/json-file.js';

/** What a config.json must be, beside its schema. */
export interface ConfigRules {
  /** Value of `_class_name` or, in transformers' files, the network's name in messages. */
  readonly className: string;
  /** Keys that have no effect on inference (dropout, initialisation, versions). */
  readonly ignored: readonly string[];
}

/** An error about one config file. `source` is how messages name the file. */
export const configError = (source: string, what: string, cause?: unknown): UnclipError =>
  new UnclipError('MODEL_CONFIG_INVALID', `${source}: ${what}`, { cause });

/**
 * Checks the parsed JSON of a config.json against `schema`. Keys that start with `_` are the producer's notes and ignored,
 * save that `_class_name` must not name another class; so are the keys of `rules.ignored`.
 * @throws UnclipError MODEL_CONFIG_INVALID naming the key that is unknown, missing or has an unsupported value
 */
export function parseConfig<S extends z.ZodType>(
  schema: S,
  json: unknown,
  rules: ConfigRules,
  source: string,
): z.infer<S> {
  if (typeof json !== 'object' || json === null || Array.isArray(json))
    throw configError(source, `must hold one JSON object that configures a ${rules.className}`);
  const values = new Map<string, unknown>(Object.entries(json));
  const className = values.get('_class_name');
  if (className !== undefined && className !== rules.className)
    throw configError(source, `_class_name is ${shown(className)}; ${rules.className} is expected here`);
  const known = [...values].filter(([key]) => !key.startsWith('_') && !rules.ignored.includes(key));
  const result = schema.safeParse(Object.fromEntries(known));
  if (result.success) return result.data;
  const issue = result.error.issues[0]!;
  if (issue.code === 'unrecognized_keys') {
    const key = String(issue.keys[0]);
    throw configError(
      source,
      `unknown key '${key}' (${shown(values.get(key))}); this ${rules.className} is not supported`,
    );
  }
  const key = String(issue.path[0]);
  const expected = issue.message.charAt(0).toLowerCase() + issue.message.slice(1);
  if (!values.has(key))
    throw configError(source, `key '${key}' is missing and its default is not supported (${expected})`);
  throw configError(source, `${key} is ${shown(values.get(key))}, which is not supported (${expected})`);
}

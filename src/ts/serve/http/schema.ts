import type { FastifyInstance, FastifyTypeProvider } from 'fastify';
import { z } from 'zod';
import { ApiError } from './api-error.js';

/** Gives handlers the types of their routes' zod schemas. */
export interface ZodTypes extends FastifyTypeProvider {
  readonly validator: this['schema'] extends z.ZodType ? z.output<this['schema']> : unknown;
  readonly serializer: this['schema'] extends z.ZodType ? z.input<this['schema']> : unknown;
}

/** Checks requests against the zod schemas of their routes, and answers what does not fit as OpenAI does. */
export function useZod(app: FastifyInstance): void {
  app.setValidatorCompiler<z.ZodType>(({ schema }) => (data) => {
    const parsed = schema.safeParse(data);
    return parsed.success ? { value: parsed.data } : { error: issueError(parsed.error.issues[0]!, data) };
  });
  app.setSerializerCompiler(() => (data) => JSON.stringify(data));
}

/** A schema as OpenAPI 3.1 has it, which is JSON Schema's own form. */
export const jsonSchema = (schema: z.ZodType): Record<string, unknown> => {
  const { $schema: _, ...rest } = z.toJSONSchema(schema, { io: 'input', unrepresentable: 'any' });
  return rest;
};

/** @param data what was checked, for the value that is wrong */
function issueError(issue: z.core.$ZodIssue, data: unknown): ApiError {
  const param = issue.path.join('.');
  const value = issue.path.reduce<unknown>((at, key) => (at as Record<PropertyKey, unknown> | undefined)?.[key], data);
  const refuse = (message: string, code: string): ApiError =>
    new ApiError(400, message, { param: param === '' ? undefined : param, code });
  if (issue.code === 'unrecognized_keys') {
    const [key] = issue.keys;
    return new ApiError(400, `Unknown parameter: '${shown(key)}'.`, { param: shown(key), code: 'unknown_parameter' });
  }
  if (param !== '' && value === undefined)
    return refuse(`Missing required parameter: '${param}'.`, 'missing_required_parameter');
  if (issue.code === 'invalid_type') {
    if (param === '') return refuse('The body of the request is not a JSON object.', 'invalid_type');
    if (issue.expected === 'int' && typeof value === 'number')
      return refuse(`Invalid type for '${param}': expected an integer, but got ${value} instead.`, 'invalid_type');
    const expected = `expected ${article(issue.expected)}, but got ${article(kindOf(value))} instead`;
    return refuse(`Invalid type for '${param}': ${expected}.`, 'invalid_type');
  }
  if (issue.code === 'invalid_value') {
    const words = issue.values.map((word) => `'${String(word)}'`);
    const supported = words.length === 1 ? words[0] : `${words.slice(0, -1).join(', ')} and ${words.at(-1)}`;
    const message = `Invalid value: '${shown(value)}'. Supported values are: ${supported}.`;
    return refuse(message, 'invalid_value');
  }
  if (issue.code === 'too_big' || issue.code === 'too_small') return sizeError(issue, value, param);
  return refuse(`Invalid '${param}': ${issue.message}`, 'invalid_value');
}

function sizeError(issue: z.core.$ZodIssueTooBig | z.core.$ZodIssueTooSmall, value: unknown, param: string): ApiError {
  const above = issue.code === 'too_big';
  const [limit, sign, side] = above ? [issue.maximum, '<=', 'above maximum'] : [issue.minimum, '>=', 'below minimum'];
  if (issue.origin === 'string') {
    const rule = above ? 'too long' : 'too short';
    const message = `Invalid '${param}': string ${rule}. Expected a length ${sign} ${limit}, but got ${(value as string).length} instead.`;
    return new ApiError(400, message, { param, code: `string_${side.replace(' ', '_')}_length` });
  }
  const kind = issue.origin === 'int' || Number.isInteger(value) ? 'integer' : 'decimal';
  const message = `Invalid '${param}': ${kind} ${side} value. Expected a value ${sign} ${limit}, but got ${String(value)} instead.`;
  return new ApiError(400, message, {
    param,
    code: `${kind}_${side === 'above maximum' ? 'above_max' : 'below_min'}_value`,
  });
}

const kindOf = (value: unknown): string => (value === null ? 'null' : Array.isArray(value) ? 'array' : typeof value);

const article = (kind: string): string =>
  kind === 'null' ? kind : `${/^[aeiou]/.test(kind) ? 'an' : 'a'} ${kind === 'int' ? 'integer' : kind}`;

/** A value as an answer quotes it: short, on one line. */
const shown = (value: unknown): string =>
  String(typeof value === 'object' ? JSON.stringify(value) : value)
    .replace(/\p{Cc}+/gu, ' ')
    .slice(0, 100);

import multipart from '@fastify/multipart';
import type { FastifyInstance, FastifyRequest } from 'fastify';
import type { z } from 'zod';
import { ApiError } from './api-error.js';

/** Most text fields of a form, and the longest of them in bytes: a prompt of 32,000 characters of four bytes. */
const MOST_FIELDS = 64;
const LONGEST_FIELD = 130_000;

/** Most files of a form; the standard lets an edit have 16 pictures. */
const MOST_FILES = 18;

/** Reads multipart forms into bodies that zod schemas check, as if they were JSON with files in it. */
export async function readForms(app: FastifyInstance, bodyLimit: number): Promise<void> {
  await app.register(multipart, {
    limits: { fieldSize: LONGEST_FIELD, fields: MOST_FIELDS, fileSize: bodyLimit, files: MOST_FILES },
  });
}

/**
 * A hook for routes that take forms. Numbers and truth values are text in a form; they are read as what the schema has them as.
 * A name that ends in `[]`, or comes more than once, is a list.
 * @throws ApiError 400 for what is no form, 413 for one that is too large
 */
export const formBody = (shape: z.core.$ZodShape, bodyLimit: number) => async (request: FastifyRequest) => {
  if (!request.isMultipart())
    throw new ApiError(400, 'The body of the request is not a form; send it as multipart/form-data.');
  try {
    request.body = await readForm(request, shape, bodyLimit);
  } catch (cause) {
    if (cause instanceof Error && 'statusCode' in cause) throw cause;
    throw new ApiError(400, 'The form of the request is broken; is it complete?', { cause });
  }
};

async function readForm(request: FastifyRequest, shape: z.core.$ZodShape, bodyLimit: number): Promise<object> {
  const values = new Map<string, unknown[]>();
  let bytes = 0;
  for await (const part of request.parts()) {
    const value = part.type === 'file' ? await part.toBuffer() : textOf(part, shape);
    if (value instanceof Buffer) bytes += value.length;
    if (bytes > bodyLimit) throw new ApiError(413, 'The files of the request are too large.');
    const name = part.fieldname.replace(/\[\]$/, '');
    values.set(name, [...(values.get(name) ?? []), value]);
  }
  return Object.fromEntries([...values].map(([name, all]) => [name, all.length === 1 ? all[0] : all]));
}

interface TextPart {
  readonly fieldname: string;
  readonly value: unknown;
  readonly valueTruncated: boolean;
}

function textOf({ fieldname, value, valueTruncated }: TextPart, shape: z.core.$ZodShape): unknown {
  if (valueTruncated)
    throw new ApiError(400, `Invalid '${fieldname.slice(0, 100)}': string too long.`, {
      param: fieldname.slice(0, 100),
      code: 'string_above_max_length',
    });
  const kind = Object.hasOwn(shape, fieldname) ? kindOf(shape[fieldname]!) : undefined;
  if (typeof value !== 'string' || kind === undefined || kind === 'string') return value;
  if (value === 'null' || value === '') return null;
  if (kind === 'boolean' && (value === 'true' || value === 'false')) return value === 'true';
  if (kind === 'number' && Number.isFinite(Number(value))) return Number(value);
  return value;
}

/** Name of the schema below what makes it optional. */
function kindOf(schema: z.core.$ZodType): string {
  const { def } = schema._zod;
  return 'innerType' in def ? kindOf(def.innerType as z.core.$ZodType) : def.type;
}

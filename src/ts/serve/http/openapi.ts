import swagger from '@fastify/swagger';
import type { FastifyInstance, FastifySchema } from 'fastify';
import { z } from 'zod';
import { jsonSchema } from './schema.js';

/** Body of every error. */
const errorSchema = z.object({
  error: z.object({
    message: z.string(),
    type: z.string(),
    param: z.string().nullable(),
    code: z.string().nullable(),
  }),
});

/** What errors of a route look like in the document. */
export const ERRORS = {
  '4xx': errorSchema.describe('The request cannot be answered.'),
  '5xx': errorSchema.describe('The server cannot answer now.'),
};

/** Serves an OpenAPI document made from the routes' own schemas. Register it before the routes. */
export async function serveOpenApi(app: FastifyInstance, version: string, withKeys: boolean): Promise<void> {
  await app.register(swagger, {
    openapi: {
      openapi: '3.1.0',
      info: {
        title: 'unclip',
        version,
        description: "Pictures from text by DALL·E 2 (unCLIP), behind OpenAI's Images API.",
      },
      ...(withKeys
        ? { components: { securitySchemes: { key: { type: 'http', scheme: 'bearer' } } }, security: [{ key: [] }] }
        : {}),
    },
    transform: ({ schema, url }) => ({ schema: converted(schema), url }),
  });
  app.get('/openapi.json', { schema: { hide: true } }, () => app.swagger());
}

function converted(schema: FastifySchema): FastifySchema {
  const { body, params, response, ...rest } = schema ?? {};
  const json = (part: unknown): unknown => (part instanceof z.ZodType ? jsonSchema(part) : part);
  const answers = Object.entries(response ?? {}).map(([status, part]) => [status, json(part)]);
  return {
    ...rest,
    ...(body === undefined ? {} : { body: json(body) }),
    ...(params === undefined ? {} : { params: json(params) }),
    ...(answers.length === 0 ? {} : { response: Object.fromEntries(answers) }),
  };
}

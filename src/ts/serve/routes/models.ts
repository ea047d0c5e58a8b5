import type { FastifyInstance } from 'fastify';
import { z } from 'zod';
import { ERRORS } from '../http/openapi.js';
import type { ZodTypes } from '../http/schema.js';
import { checkModel } from '../images/fields.js';
import type { Service } from '../service.js';

const modelSchema = z.object({
  id: z.string(),
  object: z.literal('model'),
  created: z.int().describe('Seconds since 1970 at which the service began.'),
  owned_by: z.string(),
});

/** The models that are served: one, by each of its names. */
export function modelRoutes(instance: FastifyInstance, { modelNames, started }: Service): void {
  const app = instance.withTypeProvider<ZodTypes>();
  const describe = (id: string) => ({ id, object: 'model' as const, created: started, owned_by: 'unclip' });

  app.get(
    '/v1/models',
    {
      schema: {
        tags: ['models'],
        summary: 'List models',
        response: { 200: z.object({ object: z.literal('list'), data: z.array(modelSchema) }), ...ERRORS },
      },
    },
    () => ({ object: 'list' as const, data: modelNames.map(describe) }),
  );

  app.get(
    '/v1/models/:model',
    {
      schema: {
        tags: ['models'],
        summary: 'Describe a model',
        params: z.object({ model: z.string() }),
        response: { 200: modelSchema, ...ERRORS },
      },
    },
    ({ params: { model } }) => {
      checkModel(model, modelNames);
      return describe(model);
    },
  );
}

import type { FastifyInstance } from 'fastify';
import { z } from 'zod';
import { ApiError } from '../http/api-error.js';
import type { ZodTypes } from '../http/schema.js';
import type { Service } from '../service.js';

/** Pictures that were answered as addresses. Who knows a name may see the picture: it is as good as a key. */
export function pictureRoutes(instance: FastifyInstance, { files, config }: Service): void {
  const app = instance.withTypeProvider<ZodTypes>();
  app.get(
    '/pictures/:name',
    {
      schema: {
        tags: ['images'],
        summary: 'A picture that was answered as a URL',
        params: z.object({ name: z.string() }),
      },
    },
    async ({ params }, reply) => {
      const picture = await files.read(params.name);
      if (picture === undefined)
        throw new ApiError(404, 'There is no such picture, or its time is over.', { code: 'picture_not_found' });
      const seconds = Math.floor(config.pictureTtlMs / 1000);
      return reply
        .type(picture.mime)
        .header('cache-control', `private, max-age=${seconds}, immutable`)
        .header('x-content-type-options', 'nosniff')
        .send(picture.bytes);
    },
  );
}

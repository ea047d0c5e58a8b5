import type { FastifyInstance, FastifyRequest } from 'fastify';
import { ApiError } from './api-error.js';
import type { ApiKey, ApiKeys } from './api-keys.js';

declare module 'fastify' {
  interface FastifyRequest {
    /** Who asks; undefined where everybody may. */
    apiKey: ApiKey | undefined;
  }
}

/** Lets only requests with a known key pass, as `Authorization: Bearer …`. */
export function requireApiKey(app: FastifyInstance, keys: ApiKeys | undefined): void {
  app.decorateRequest('apiKey', undefined);
  if (keys === undefined) return;
  app.addHook('onRequest', async (request, reply) => {
    try {
      request.apiKey = keyOf(request, keys);
    } catch (error) {
      reply.header('www-authenticate', 'Bearer');
      throw error;
    }
  });
}

function keyOf({ headers }: FastifyRequest, keys: ApiKeys): ApiKey {
  const shown = /^Bearer +(\S+) *$/i.exec(headers.authorization ?? '')?.[1];
  if (shown === undefined)
    throw new ApiError(
      401,
      "You didn't provide an API key. You need to provide it in an Authorization header using Bearer auth (i.e. Authorization: Bearer YOUR_KEY).",
    );
  const key = keys.find(shown);
  if (key === undefined) throw new ApiError(401, 'Incorrect API key provided.', { code: 'invalid_api_key' });
  return key;
}

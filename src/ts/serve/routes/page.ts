import { existsSync } from 'node:fs';
import { join } from 'node:path';
import fastifyStatic from '@fastify/static';
import type { FastifyInstance } from 'fastify';

/** The page needs nothing but itself; pictures come as data and are shown as blobs. */
const POLICY = [
  "default-src 'self'",
  "img-src 'self' blob: data:",
  "object-src 'none'",
  "base-uri 'none'",
  "form-action 'none'",
  "frame-ancestors 'none'",
].join('; ');

/** Built files carry a hash of their contents in their names. */
const FOR_EVER = 'public, max-age=31536000, immutable';

/**
 * `GET /`: the page, to anybody; what it asks for is asked with a key like everything else.
 * @param folder of the built page. Without one the service has none, and says so at the beginning
 * @param onOpened told whenever somebody opens the page
 */
export async function pageRoutes(app: FastifyInstance, folder: string | null, onOpened: () => void): Promise<void> {
  if (folder === null) return;
  if (!existsSync(join(folder, 'index.html'))) {
    app.log.warn({ folder }, 'there is no page: it was not built');
    return;
  }
  await app.register(fastifyStatic, {
    root: folder,
    cacheControl: false,
    schemaHide: true,
    setHeaders(reply, path) {
      reply.header('content-security-policy', POLICY);
      reply.header('x-content-type-options', 'nosniff');
      reply.header('referrer-policy', 'no-referrer');
      const isAsset = path.startsWith(join(folder, 'assets'));
      if (!isAsset) onOpened();
      reply.header('cache-control', isAsset ? FOR_EVER : 'no-cache');
    },
  });
}

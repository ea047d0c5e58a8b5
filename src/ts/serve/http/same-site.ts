import type { FastifyInstance } from 'fastify';
import { isLoopback, type ServeConfig } from '../config.js';
import { ApiError } from './api-error.js';

/**
 * Keeps other people's web pages out of a service that asks for no key: a page that its user has open elsewhere could otherwise
 * have pictures drawn by posting forms, or read them under a name of its own that leads here (DNS rebinding).
 * @throws ApiError 403
 */
export function refuseOtherSites(app: FastifyInstance, { apiKeys, host, publicUrl }: ServeConfig): void {
  if (apiKeys !== undefined) return;
  const publicName = publicUrl && nameOf(new URL(publicUrl).hostname);
  app.addHook('onRequest', async ({ headers, hostname }) => {
    // Browsers say where a request comes from; other clients say nothing.
    if (headers['sec-fetch-site'] === 'cross-site')
      throw new ApiError(403, 'Pages of other sites may not ask this service.', { code: 'cross_site' });
    const name = nameOf(hostname);
    if (isLoopback(host) && !isLoopback(name) && name !== publicName)
      throw new ApiError(403, `This service is not known as '${name.slice(0, 100)}'; --public-url gives it a name.`, {
        code: 'unknown_host',
      });
  });
}

/** A host as it is compared: names are the same in capitals, and addresses of IPv6 stand in brackets. */
const nameOf = (host: string): string => host.toLowerCase().replace(/^\[(.*)\]$/, '$1');

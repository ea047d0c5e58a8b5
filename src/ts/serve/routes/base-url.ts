import type { FastifyRequest } from 'fastify';
import type { ServeConfig } from '../config.js';

/** Address of this service as the client knows it, without a slash at its end. */
export const baseUrl = ({ protocol, host }: FastifyRequest, { publicUrl }: ServeConfig): string =>
  (publicUrl ?? `${protocol}://${host}`).replace(/\/+$/, '');

import rateLimit from '@fastify/rate-limit';
import underPressure from '@fastify/under-pressure';
import type { FastifyInstance } from 'fastify';
import type { ServeConfig } from '../config.js';
import { ApiError } from './api-error.js';

const MINUTE_MS = 60_000;

/** Limits on requests before anything of them is read: each key's number a minute, and the event loop's health. */
export async function limitRequests(app: FastifyInstance, config: ServeConfig): Promise<void> {
  const limitOf = (own: number | undefined): number => own ?? config.requestsPerMinute;
  await app.register(rateLimit, {
    timeWindow: MINUTE_MS,
    keyGenerator: (request) => request.apiKey?.name ?? request.ip,
    max: (request) => limitOf(request.apiKey?.requestsPerMinute),
    allowList: (request) => limitOf(request.apiKey?.requestsPerMinute) === 0,
    errorResponseBuilder: (_, { max, ttl }) =>
      new ApiError(429, `Rate limit reached: ${max} requests a minute. Try again later.`, {
        type: 'rate_limit_error',
        code: 'rate_limit_exceeded',
        retryAfter: Math.ceil(ttl / 1000),
      }),
  });
  if (config.maxEventLoopDelayMs > 0)
    await app.register(underPressure, {
      maxEventLoopDelay: config.maxEventLoopDelayMs,
      pressureHandler: async () => {
        throw new ApiError(503, 'The server is overloaded. Try again later.', { code: 'overloaded', retryAfter: 5 });
      },
    });
}

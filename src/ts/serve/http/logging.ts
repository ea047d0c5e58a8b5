import { randomUUID } from 'node:crypto';
import type { IncomingMessage } from 'node:http';
import type { FastifyInstance, FastifyServerOptions } from 'fastify';
import type { ServeConfig } from '../config.js';

/** An id that a client or a proxy may give a request. */
const GIVEN_ID = /^[\w.:-]{1,100}$/;

/** JSON lines with request ids, and nothing of what was asked for. */
export const loggerOptions = ({ logLevel, logStream }: ServeConfig): FastifyServerOptions['logger'] => ({
  level: logLevel,
  stream: logStream,
  base: { pid: process.pid },
  formatters: { level: (level) => ({ level }) },
  timestamp: () => `,"time":"${new Date().toISOString()}"`,
});

/** The client's own id of the request, where it gives one that can stand in a log, or a new one. */
export const requestId = ({ headers }: IncomingMessage): string => {
  const given = headers['x-request-id'];
  return typeof given === 'string' && GIVEN_ID.test(given) ? given : `req_${randomUUID().replaceAll('-', '')}`;
};

/** Told of every answered request: its route's pattern, method, status, milliseconds. */
export type OnAnswer = (route: string, method: string, status: number, ms: number) => void;

/** Names the request in its answer, as OpenAI does, and logs one line of it at its end. */
export function logRequests(app: FastifyInstance, onAnswer: OnAnswer): void {
  app.addHook('onRequest', async (request, reply) => {
    reply.header('x-request-id', request.id);
  });
  app.addHook('onResponse', async (request, reply) => {
    const { method, url, apiKey } = request;
    const { elapsedTime, statusCode: status, raw } = reply;
    const [path] = url.split('?', 1);
    const line = { method, path, status, ms: Math.round(elapsedTime), key: apiKey?.name };
    request.log.info(line, raw.writableFinished ? 'answered' : 'client went away');
    onAnswer(request.routeOptions.url ?? 'unknown', method, status, elapsedTime);
  });
}

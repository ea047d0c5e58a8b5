import { randomUUID } from 'node:crypto';
import type { IncomingMessage } from 'node:http';
import type { FastifyInstance, FastifyServerOptions } from 'fastify';
import type { ServeConfig } from '../config.js';
import type { Activity } from '../jobs/activity.js';

/** Status of requests whose client did not wait for the answer, as nginx has it. */
const CLIENT_GONE = 499;

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

/** Names the request in its answer, as OpenAI does, and logs one line of it at its end. @param answering requests under way */
export function logRequests(app: FastifyInstance, answering: Activity, onAnswer: OnAnswer): void {
  app.addHook('onRequest', async (request, reply) => {
    reply.header('x-request-id', request.id);
    answering.begin();
    // Fastify's own hook, onResponse, does not hear of clients that go away.
    reply.raw.once('close', () => {
      answering.end();
      const { method, url, apiKey } = request;
      const answered = reply.raw.writableFinished;
      const status = answered ? reply.statusCode : CLIENT_GONE;
      const [path] = url.split('?', 1);
      const line = { method, path, status, ms: Math.round(reply.elapsedTime), key: apiKey?.name };
      request.log.info(line, answered ? 'answered' : 'client went away');
      onAnswer(request.routeOptions.url ?? 'unknown', method, status, reply.elapsedTime);
    });
  });
}

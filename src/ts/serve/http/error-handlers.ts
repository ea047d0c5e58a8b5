import { STATUS_CODES } from 'node:http';
import type { Socket } from 'node:net';
import type { FastifyInstance, FastifyReply, FastifyRequest } from 'fastify';
import { ApiError, apiError } from './api-error.js';

const JSON_TYPE = 'application/json; charset=utf-8';

/** Told of every failure that a client hears of: its reason, for the metrics. */
export type OnFailure = (reason: string) => void;

/** Answers what Fastify refuses before it looks for a route, such as a path that is not UTF-8. */
export function answerUnroutable(error: Error, _: FastifyRequest, reply: FastifyReply): void {
  const told = apiError(error);
  reply.code(told.statusCode).type(JSON_TYPE).send(told.body);
}

/** Answers every error in OpenAI's form, unknown routes included. @param retryAfter seconds until a busy service may be free */
export function handleErrors(app: FastifyInstance, retryAfter: () => number, onFailure: OnFailure): void {
  const send = (error: unknown, request: FastifyRequest, reply: FastifyReply): void => {
    const told = apiError(error, retryAfter());
    onFailure(reasonOf(told));
    if (told.statusCode >= 500) request.log.error({ err: told.cause ?? told }, 'request failed');
    if (told.retryAfter !== undefined) reply.header('retry-after', told.retryAfter);
    // A request that took too long once would do so again.
    if (told.statusCode === 504) reply.header('x-should-retry', 'false');
    reply.code(told.statusCode).type(JSON_TYPE).send(told.body);
  };
  app.setErrorHandler((error, request, reply) => send(error, request, reply));
  app.setNotFoundHandler((request, reply) => {
    const [path] = request.url.split('?', 1);
    send(new ApiError(404, `Invalid URL (${request.method} ${path})`, { code: 'unknown_url' }), request, reply);
  });
}

export const reasonOf = ({ reason, type }: ApiError): string => reason ?? type;

/** What Node's parser refuses before there is a request, by its error code: [status, message]. */
const UNREADABLE: Readonly<Record<string, readonly [number, string]>> = {
  HPE_HEADER_OVERFLOW: [431, 'The headers of the request are too large.'],
  ERR_HTTP_REQUEST_TIMEOUT: [408, 'The request did not arrive in time.'],
};

/** Answers what is not HTTP, in OpenAI's form as well, and ends the connection. */
export function answerUnreadable(error: NodeJS.ErrnoException, socket: Socket): void {
  if (error.code === 'ECONNRESET' || !socket.writable) {
    socket.destroy();
    return;
  }
  const [status, message] = UNREADABLE[error.code ?? ''] ?? [400, 'The request is not valid HTTP.'];
  const body = JSON.stringify(new ApiError(status, message).body);
  const head = [
    `HTTP/1.1 ${status} ${STATUS_CODES[status]}`,
    `Content-Type: ${JSON_TYPE}`,
    `Content-Length: ${Buffer.byteLength(body)}`,
    'Connection: close',
  ];
  socket.end(`${head.join('\r\n')}\r\n\r\n${body}`);
}

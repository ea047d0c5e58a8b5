import type { FastifyReply, FastifyRequest } from 'fastify';
import { disconnectSignal } from '../http/disconnect.js';
import { reasonOf } from '../http/error-handlers.js';
import type { Drawing } from '../images/drawing.js';
import type { ImagesAnswer } from '../images/schema.js';
import { answerStream } from '../images/streamed.js';
import { answerWhole } from '../images/whole.js';
import type { Service } from '../service.js';

/** Draws, and answers at once or as a stream; stops when the client goes away. */
export async function answerDrawing(
  service: Service,
  drawing: Drawing,
  stream: boolean,
  request: FastifyRequest,
  reply: FastifyReply,
): Promise<ImagesAnswer> {
  const client = disconnectSignal(reply);
  if (!stream) return answerWhole(service, drawing, client);
  const events = answerStream(service, drawing, client, (error) => {
    service.metrics.failure(reasonOf(error));
    if (error.statusCode >= 500) request.log.error({ err: error.cause ?? error }, 'stream failed');
  });
  reply.type('text/event-stream').header('cache-control', 'no-cache').header('x-accel-buffering', 'no');
  return reply.send(events);
}

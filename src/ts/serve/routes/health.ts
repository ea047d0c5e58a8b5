import type { FastifyInstance } from 'fastify';
import type { Service } from '../service.js';

/** `/healthz`: the process lives. `/readyz`: it can take work. `/metrics`: Prometheus. */
export function healthRoutes(app: FastifyInstance, { jobs, scheduler, config, metrics }: Service): void {
  app.get('/healthz', { schema: { tags: ['service'], summary: 'Whether the process lives' } }, () => ({
    status: 'ok',
  }));

  app.get('/readyz', { schema: { tags: ['service'], summary: 'Whether it can take work' } }, (_, reply) => {
    const { queued, workers } = scheduler.metrics();
    const drawing = workers === undefined || workers.some(({ alive }) => alive);
    const full = queued >= config.maxQueued;
    const reason = jobs.closing ? 'shutting down' : drawing ? (full ? 'queue full' : undefined) : 'no worker';
    return reason === undefined ? { status: 'ok' } : reply.code(503).send({ status: reason });
  });

  app.get('/metrics', { schema: { tags: ['service'], summary: 'Metrics for Prometheus' } }, async (_, reply) => {
    reply.type(metrics.registry.contentType);
    return metrics.registry.metrics();
  });
}

import type { FastifyInstance } from 'fastify';
import type { Service } from '../service.js';

/** `/healthz`: the process lives. `/readyz`: it can take work. `/metrics`: Prometheus. */
export function healthRoutes(app: FastifyInstance, { jobs, scheduler, config, metrics }: Service): void {
  app.get('/healthz', { schema: { tags: ['service'], summary: 'Whether the process lives' } }, () => ({
    status: 'ok',
  }));

  app.get('/readyz', { schema: { tags: ['service'], summary: 'Whether it can take work' } }, (_, reply) => {
    const unready = (status: string) => reply.code(503).send({ status });
    const { queued, workers } = scheduler.metrics();
    if (jobs.closing) return unready('shutting down');
    if (workers?.every(({ alive }) => !alive)) return unready('no worker');
    if (queued >= config.maxQueued) return unready('queue full');
    return { status: 'ok' };
  });

  app.get('/metrics', { schema: { tags: ['service'], summary: 'Metrics for Prometheus' } }, async (_, reply) => {
    reply.type(metrics.registry.contentType);
    return metrics.registry.metrics();
  });
}

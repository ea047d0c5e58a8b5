import { Counter, Gauge, type Registry } from 'prom-client';
import type { PictureScheduler } from '../pipelines/scheduler/picture-scheduler.js';
import type { WorkerMetrics } from '../pipelines/scheduler/scheduler-metrics.js';

/** What a service tells of its worker processes, by their number from 0; nothing where it draws itself. */
export function workerMetrics(scheduler: PictureScheduler, registers: Registry[]): void {
  if (scheduler.metrics().workers === undefined) return;
  const labelNames = ['worker', 'adapter'] as const;
  const gauge = (name: string, help: string, read: (worker: WorkerMetrics) => number): void => {
    new Gauge({
      name,
      help,
      labelNames,
      registers,
      collect() {
        for (const [k, worker] of scheduler.metrics().workers!.entries())
          this.set({ worker: k, adapter: worker.adapter }, read(worker));
      },
    });
  };
  const counter = (name: string, help: string, read: (worker: WorkerMetrics) => number): void => {
    new Counter({
      name,
      help,
      labelNames,
      registers,
      collect() {
        this.reset();
        for (const [k, worker] of scheduler.metrics().workers!.entries())
          this.inc({ worker: k, adapter: worker.adapter }, read(worker));
      },
    });
  };
  gauge('unclip_worker_up', 'Whether a worker process takes pictures.', ({ alive }) => Number(alive));
  gauge('unclip_worker_pictures', 'Pictures that a worker process has.', ({ pictures }) => pictures);
  counter('unclip_worker_pictures_total', 'Pictures that a worker has finished.', ({ drawn }) => drawn);
  counter('unclip_worker_restarts_total', 'Times that a worker process was started anew.', ({ restarts }) => restarts);
}

import { Counter, collectDefaultMetrics, Gauge, Histogram, Registry } from 'prom-client';
import { memoryReport } from '../pipelines/memory-report.js';
import type { PictureScheduler } from '../pipelines/scheduler/picture-scheduler.js';
import { isGuided } from '../pipelines/settings.js';
import type { Unclip } from '../pipelines/unclip.js';
import { workerMetrics } from './worker-metrics.js';

const SECONDS = [0.01, 0.03, 0.1, 0.3, 1, 3, 10, 30, 100, 300];

/** What a service tells Prometheus. */
export class Metrics {
  readonly registry = new Registry();
  readonly #delay: Histogram;
  readonly #requests: Histogram<'route' | 'method' | 'status'>;
  readonly #failures: Counter<'reason'>;

  constructor(unclip: Unclip, scheduler: PictureScheduler, edits: { readonly pictures: number }) {
    const registers = [this.registry];
    collectDefaultMetrics({ register: this.registry });
    this.#delay = new Histogram({
      name: 'unclip_queue_delay_seconds',
      help: 'Time from a request to the beginning of its first picture.',
      buckets: SECONDS,
      registers,
    });
    this.#requests = new Histogram({
      name: 'unclip_http_request_duration_seconds',
      help: 'Time from a request to the end of its answer.',
      labelNames: ['route', 'method', 'status'],
      buckets: SECONDS,
      registers,
    });
    this.#failures = new Counter({
      name: 'unclip_request_failures_total',
      help: 'Requests that were answered with an error, by its code.',
      labelNames: ['reason'],
      registers,
    });
    schedulerMetrics(scheduler, registers);
    workerMetrics(scheduler, registers);
    new Gauge({
      name: 'unclip_edit_pictures',
      help: 'Pictures of edits that are waiting or under way.',
      registers,
      collect() {
        this.set(edits.pictures);
      },
    });
    memoryMetrics(unclip, scheduler, registers);
  }

  queueDelay(ms: number): void {
    this.#delay.observe(ms / 1000);
  }

  request(route: string, method: string, status: number, ms: number): void {
    this.#requests.observe({ route, method, status }, ms / 1000);
  }

  failure(reason: string): void {
    this.#failures.inc({ reason });
  }
}

/** What the scheduler counts itself is read when it is asked for. */
function schedulerMetrics(scheduler: PictureScheduler, registers: Registry[]): void {
  new Gauge({
    name: 'unclip_queue_pictures',
    help: 'Pictures that wait to begin.',
    registers,
    collect() {
      this.set(scheduler.metrics().queued);
    },
  });
  new Gauge({
    name: 'unclip_active_pictures',
    help: 'Pictures that have begun, by the stage that they are in.',
    labelNames: ['stage'],
    registers,
    collect() {
      const { active } = scheduler.metrics();
      for (const stage of ['prior', 'decoder', 'superRes', 'superResLast'] as const)
        this.set({ stage }, active[stage] ?? 0);
    },
  });
  new Counter({
    name: 'unclip_pictures_total',
    help: 'Pictures that have ended: finished, or the reason why not.',
    labelNames: ['outcome'],
    registers,
    collect() {
      const { finished, failed } = scheduler.metrics();
      this.reset();
      this.inc({ outcome: 'finished' }, finished);
      for (const [code, count] of Object.entries(failed)) this.inc({ outcome: code.toLowerCase() }, count);
    },
  });
  new Counter({
    name: 'unclip_steps_total',
    help: 'Batches that took a step, by stage and pictures in them.',
    labelNames: ['stage', 'batch'],
    registers,
    collect() {
      this.reset();
      for (const [stage, { sizes }] of Object.entries(scheduler.metrics().stages))
        for (const [batch, count] of Object.entries(sizes)) this.inc({ stage, batch }, count);
    },
  });
  new Counter({
    name: 'unclip_step_seconds_total',
    help: 'Time in steps, by stage.',
    labelNames: ['stage'],
    registers,
    collect() {
      this.reset();
      for (const [stage, { stepMs }] of Object.entries(scheduler.metrics().stages)) this.inc({ stage }, stepMs / 1000);
    },
  });
}

function memoryMetrics(unclip: Unclip, scheduler: PictureScheduler, registers: Registry[]): void {
  const { batchSize: batch, dtype, weights, model } = unclip;
  const options = { batch, dtype, weights, guided: isGuided(model.info.defaults) };
  // With workers this process takes as much as each of them once it edits.
  const processes = 1 + (scheduler.metrics().workers?.length ?? 0);
  const planned = processes * memoryReport(model.configs, options, unclip.runtime.caps).totalBytes;
  new Gauge({
    name: 'unclip_gpu_memory_planned_bytes',
    help: 'GPU memory that drawing full batches takes, by plan.',
    registers,
  }).set(planned);
  new Gauge({
    name: 'unclip_gpu_memory_used_bytes',
    help: 'GPU memory that is taken now: weights, the arena of activations, rows of pictures under way.',
    registers,
    collect() {
      const { residency, arena } = unclip.runtime;
      this.set(residency.bytes + arena.bytes + scheduler.bufferBytes);
    },
  });
}

import type { Picture } from '../../image/picture.js';
import type { GeneratedImage } from '../../pipelines/generated-image.js';
import type { PictureStep } from '../../pipelines/scheduler/options.js';
import { packError } from '../coded-error.js';
import type { FromWorker, StepNews, WorkerReport } from '../messages.js';

/** Longest that a report is old, milliseconds. */
const REPORT_MS = 100;

/** What a worker tells its parent, in the order in which it happens. Steps of one batch go as one message. */
export class Outbox {
  readonly #report: () => WorkerReport;
  #steps: StepNews[] = [];
  #timer: NodeJS.Timeout | undefined;

  /** @param report of the state of things; sent along some time after anything else */
  constructor(report: () => WorkerReport) {
    this.#report = report;
  }

  step(id: number, { stage, step, steps, batch }: PictureStep): void {
    if (this.#steps.length === 0) queueMicrotask(() => this.#flush());
    this.#steps.push([id, stage, step, steps, batch]);
  }

  partial(id: number, number: number, picture: Picture): void {
    this.#send({ type: 'partial', id, number, picture });
  }

  embedding(id: number, embedding: Float32Array, step: number, steps: number): void {
    this.#send({ type: 'embedding', id, embedding, step, steps });
  }

  image(id: number, { width, height, data, parameters }: GeneratedImage): void {
    this.#send({ type: 'image', id, width, height, data, parameters });
  }

  over(id: number, error: unknown): void {
    this.#send({ type: 'over', id, error: packError(error) });
  }

  #flush(): void {
    const steps = this.#steps;
    if (steps.length === 0) return;
    this.#steps = [];
    this.#send({ type: 'steps', steps });
  }

  #send(message: FromWorker): void {
    this.#flush();
    tellParent(message);
    this.#timer ??= setTimeout(() => {
      this.#timer = undefined;
      tellParent({ type: 'report', ...this.#report() });
    }, REPORT_MS);
  }
}

/** A parent that is gone hears nothing: this process is about to end too. */
export function tellParent(message: FromWorker): void {
  process.send?.(message, undefined, undefined, () => {});
}

import type { DrawHooks } from '../drawing.js';
import type { GenerateProgress } from '../progress.js';

/** What comes before drawing: tells its steps as drawing tells its own, and measures its time. */
export class Stages {
  readonly #hooks: DrawHooks;
  readonly #total: number;
  readonly #begin = performance.now();
  readonly #timings = new Map<string, number>();

  /** @param total pictures of the request */
  constructor(hooks: DrawHooks, total: number) {
    this.#hooks = hooks;
    this.#total = total;
  }

  get timings(): { readonly stage: string; readonly ms: number }[] {
    return [...this.#timings].map(([stage, ms]) => ({ stage, ms }));
  }

  async time<R>(stage: string, run: () => Promise<R>): Promise<R> {
    const mark = performance.now();
    const result = await run();
    this.#timings.set(stage, (this.#timings.get(stage) ?? 0) + performance.now() - mark);
    return result;
  }

  async tell(stage: GenerateProgress['stage'], step: number, steps: number): Promise<void> {
    const elapsedMs = performance.now() - this.#begin;
    const where = { done: 0, batch: 1, total: this.#total };
    await this.#hooks.onProgress?.({ stage, step, steps, ...where, elapsedMs, remainingMs: undefined });
  }
}

import type { Scheduler } from '../../pipelines/scheduler/scheduler.js';
import { Unclip } from '../../pipelines/unclip.js';
import { packError } from '../coded-error.js';
import type { LoadOrder, PictureOrder, ToWorker } from '../messages.js';
import { Outbox, tellParent } from './outbox.js';

/** A model on a device of this process, which draws what the parent process asks for. */
export class PoolWorker {
  /** Of the pictures that are not over. */
  readonly #controllers = new Map<number, AbortController>();
  #loaded: { readonly unclip: Unclip; readonly scheduler: Scheduler; readonly outbox: Outbox } | undefined;

  /** Takes the parent's orders from now on. */
  listen(): void {
    process.on('message', (message) => void this.#take(message as ToWorker));
  }

  async #take(message: ToWorker): Promise<void> {
    if (message.type === 'load') await this.#load(message);
    else if (message.type === 'draw') for (const order of message.pictures) this.#draw(order);
    else if (message.type === 'cancel') for (const id of message.ids) this.#controllers.get(id)?.abort();
    else await this.#close();
  }

  async #load({ folder, load, scheduler: options }: LoadOrder): Promise<void> {
    try {
      const unclip = await Unclip.load(folder, load);
      const scheduler = unclip.scheduler(options);
      const outbox = new Outbox(() => {
        const { active, stages } = scheduler.metrics();
        const { residency, arena } = unclip.runtime;
        return { active, stages, deviceBytes: residency.bytes + arena.bytes + scheduler.bufferBytes };
      });
      this.#loaded = { unclip, scheduler, outbox };
      const { adapter, dtype, weights, batchSize } = unclip;
      tellParent({ type: 'ready', adapter, dtype, weights, batchSize, capacity: scheduler.capacity });
    } catch (error) {
      process.send?.({ type: 'failed', error: packError(error) }, undefined, undefined, () => process.exit(1));
    }
  }

  #draw(order: PictureOrder): void {
    const { id, request, item, settings, priority, deadlineMs, partialImages, embeddings } = order;
    const { scheduler, outbox } = this.#loaded!;
    const controller = new AbortController();
    this.#controllers.set(id, controller);
    const over = (error: unknown): void => {
      this.#controllers.delete(id);
      outbox.over(id, error);
    };
    try {
      const [picture] = scheduler.submit([item], {
        request,
        settings,
        priority,
        deadline: deadlineMs === undefined ? undefined : performance.now() + deadlineMs,
        signal: controller.signal,
        partialImages,
        onStep: (step) => outbox.step(id, step),
        onEmbedding: embeddings ? (embedding, step, steps) => outbox.embedding(id, embedding, step, steps) : undefined,
        onPartial: (partial, number) => outbox.partial(id, number, partial),
      });
      picture!.then((image) => {
        this.#controllers.delete(id);
        outbox.image(id, image);
      }, over);
    } catch (error) {
      over(error);
    }
  }

  async #close(): Promise<void> {
    await this.#loaded?.unclip.dispose();
    process.exit(0);
  }
}

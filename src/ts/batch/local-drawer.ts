import type { PictureScheduler } from '../pipelines/scheduler/picture-scheduler.js';
import type { Unclip } from '../pipelines/unclip.js';
import type { ManifestEntry } from './manifest.js';
import { type BatchTarget, type Drawer, type DrawnBy, manifestEntry, type PictureJob } from './picture-job.js';
import type { PictureStore } from './picture-store.js';

/** Draws on this machine's scheduler, into a store. */
export class LocalDrawer implements Drawer {
  readonly #scheduler: PictureScheduler;
  readonly #store: PictureStore;
  readonly #target: BatchTarget;
  readonly #quality: number | undefined;
  readonly #by: DrawnBy;

  /** @param quality of JPEG and WebP, 1 to 100 */
  constructor(unclip: Unclip, scheduler: PictureScheduler, store: PictureStore, target: BatchTarget, quality?: number) {
    this.#scheduler = scheduler;
    this.#store = store;
    this.#target = target;
    this.#quality = quality;
    this.#by = { adapter: unclip.adapter.name, version: unclip.version };
  }

  async draw(job: PictureJob, signal?: AbortSignal): Promise<ManifestEntry> {
    const orphan = await this.#store.orphan(job.key);
    if (orphan !== undefined) return manifestEntry(this.#target, job, this.#by, orphan.bytes, orphan.stored);
    const { prompt, seed, settings } = job;
    const [drawn] = this.#scheduler.submit([{ prompt, seed }], { settings, signal });
    const image = await drawn!;
    const bytes = await image.encode(this.#target.format, this.#quality);
    const { file: _, ...about } = manifestEntry(this.#target, job, this.#by, bytes, { file: '' });
    const stored = await this.#store.put({ key: job.key, bytes, prompt, about });
    return { ...about, ...stored };
  }
}

import { readPictureHeader } from '../image/decode.js';
import type { GeneratedImage } from '../pipelines/generated-image.js';
import type { PictureScheduler } from '../pipelines/scheduler/picture-scheduler.js';
import type { Unclip } from '../pipelines/unclip.js';
import { drawBrought } from './draw-brought.js';
import type { ManifestEntry } from './manifest.js';
import { type BatchTarget, type Drawer, type DrawnBy, manifestEntry, type PictureJob } from './picture-job.js';
import type { PictureStore } from './picture-store.js';

/** Draws on this machine's scheduler, into a store. */
export class LocalDrawer implements Drawer {
  readonly #unclip: Unclip;
  readonly #scheduler: PictureScheduler;
  readonly #store: PictureStore;
  readonly #target: BatchTarget;
  readonly #quality: number | undefined;
  readonly #by: DrawnBy;

  /** @param quality of JPEG and WebP, 1 to 100 */
  constructor(unclip: Unclip, scheduler: PictureScheduler, store: PictureStore, target: BatchTarget, quality?: number) {
    this.#unclip = unclip;
    this.#scheduler = scheduler;
    this.#store = store;
    this.#target = target;
    this.#quality = quality;
    this.#by = { adapter: unclip.adapter.name, version: unclip.version };
  }

  async draw(job: PictureJob, signal?: AbortSignal): Promise<ManifestEntry> {
    const orphan = await this.#store.orphan(job.key);
    if (orphan !== undefined) {
      const sides = await readPictureHeader(orphan.bytes);
      return manifestEntry(this.#target, job, this.#by, orphan.bytes, sides, orphan.stored);
    }
    const image = await this.#image(job, signal);
    const bytes = await image.encode(this.#target.format, this.#quality);
    const { file: _, ...about } = manifestEntry(this.#target, job, this.#by, bytes, image, { file: '' });
    const stored = await this.#store.put({ key: job.key, bytes, prompt: job.prompt, about });
    return { ...about, ...stored };
  }

  #image(job: PictureJob, signal: AbortSignal | undefined): Promise<GeneratedImage> {
    const { prompt, seed, settings, brought } = job;
    if (brought !== undefined) return drawBrought(this.#unclip, this.#scheduler, brought, job, signal);
    return this.#scheduler.submit([{ prompt, seed }], { settings, signal })[0]!;
  }
}

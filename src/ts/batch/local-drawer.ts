import { readPictureHeader } from '../image/decode.js';
import type { GeneratedImage } from '../pipelines/generated-image.js';
import type { PictureScheduler } from '../pipelines/scheduler/picture-scheduler.js';
import type { Unclip } from '../pipelines/unclip.js';
import { drawBrought } from './draw-brought.js';
import type { ManifestEntry } from './manifest.js';
import { type BatchTarget, type Drawer, type DrawnBy, manifestEntry, type PictureJob } from './picture-job.js';
import type { PictureStore } from './picture-store.js';

/** What draws on this machine. */
export interface DrawingPlace {
  readonly scheduler: PictureScheduler;
  readonly target: BatchTarget;
  /** The model in this process, for pictures that are drawn from others. */
  readonly unclip: () => Promise<Unclip>;
  /** Who draws; of several adapters the first. */
  readonly by: DrawnBy;
}

/** Draws on this machine, into a store. */
export class LocalDrawer implements Drawer {
  readonly #place: DrawingPlace;
  readonly #store: PictureStore;
  readonly #quality: number | undefined;

  /** @param quality of JPEG and WebP, 1 to 100 */
  constructor(place: DrawingPlace, store: PictureStore, quality?: number) {
    this.#place = place;
    this.#store = store;
    this.#quality = quality;
  }

  async draw(job: PictureJob, signal?: AbortSignal): Promise<ManifestEntry> {
    const { target, by } = this.#place;
    const orphan = await this.#store.orphan(job.key);
    if (orphan !== undefined) {
      const sides = await readPictureHeader(orphan.bytes);
      return manifestEntry(target, job, by, orphan.bytes, sides, orphan.stored);
    }
    const image = await this.#image(job, signal);
    const bytes = await image.encode(target.format, this.#quality);
    const drawnBy = { ...by, adapter: String(image.parameters.adapter) };
    const { file: _, ...about } = manifestEntry(target, job, drawnBy, bytes, image, { file: '' });
    const stored = await this.#store.put({ key: job.key, bytes, prompt: job.prompt, about });
    return { ...about, ...stored };
  }

  async #image(job: PictureJob, signal: AbortSignal | undefined): Promise<GeneratedImage> {
    const { scheduler, unclip } = this.#place;
    const { prompt, seed, settings, brought } = job;
    if (brought !== undefined) return drawBrought(await unclip(), scheduler, brought, job, signal);
    return scheduler.submit([{ prompt, seed }], { settings, signal })[0]!;
  }
}

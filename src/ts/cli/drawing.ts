import { dirname, join } from 'node:path';
import { encodePicture } from '../image/encode.js';
import type { PictureParameters } from '../image/parameters.js';
import type { DrawHooks, DrawResult } from '../pipelines/drawing.js';
import type { GeneratedImage } from '../pipelines/generated-image.js';
import type { GenerateProgress } from '../pipelines/progress.js';
import { UnclipError } from '../util/errors.js';
import { writeFileAtomic } from '../util/write-file.js';
import { makeFolder, type Output, stepsFolder } from './output.js';
import { type StageProgress, stageProgress } from './ui/stage-progress.js';
import type { CommandContext } from './ui/terminal.js';

/** A picture that was written. */
export interface DrawnPicture {
  readonly file: string;
  readonly prompt: string;
  readonly seed: number;
  readonly width: number;
  readonly height: number;
  readonly parameters: PictureParameters;
  /** Folder of the previews, where they were asked for. */
  readonly steps?: string;
}

/** What one call of the library draws. */
export interface DrawingJob {
  /** The file of each picture. */
  readonly files: readonly string[];
  draw(hooks: DrawHooks): Promise<DrawResult>;
}

export interface DrawingOptions {
  readonly quality?: number;
  readonly saveSteps?: boolean;
  readonly quiet?: boolean;
  /** What else is written into each picture. */
  readonly parameters?: Readonly<Record<string, unknown>>;
  /** How long opening the model took; counted as loading. */
  readonly openMs: number;
}

/** Draws the pictures of a command and writes each as soon as its batch is done: Ctrl-C loses no finished picture. */
export class Drawing {
  readonly #model: string;
  readonly #output: Output;
  readonly #context: CommandContext;
  readonly #options: DrawingOptions;
  readonly #pictures: DrawnPicture[] = [];
  readonly #timings = new Map<string, number>();

  /** @param model how the model is named in the files */
  constructor(model: string, output: Output, context: CommandContext, options: DrawingOptions) {
    this.#model = model;
    this.#output = output;
    this.#context = context;
    this.#options = options;
    this.addTime('load', options.openMs);
  }

  get pictures(): readonly DrawnPicture[] {
    return this.#pictures;
  }

  /** Milliseconds by stage, over all pictures. */
  get timings(): ReadonlyMap<string, number> {
    return this.#timings;
  }

  /**
   * Does one job after the other. Only `total` is known beforehand: a job may be made when its turn comes.
   * @throws UnclipError CANCELLED within one step of the signal, saying what is finished; GPU_*, IO_*
   */
  async draw(jobs: Iterable<DrawingJob>, total: number): Promise<void> {
    const progress = stageProgress(this.#context.stderr, this.#options.quiet ?? false);
    try {
      for (const job of jobs) await this.#drawJob(job, total, progress);
    } catch (error) {
      if (!(error instanceof UnclipError) || error.code !== 'CANCELLED') throw error;
      const kept = `${this.#pictures.length} of ${total} pictures were finished and are kept`;
      throw new UnclipError('CANCELLED', `drawing was stopped; ${kept}`);
    } finally {
      progress.stop();
    }
  }

  /** Counts time that was spent on a stage. */
  addTime(stage: string, ms: number): void {
    this.#timings.set(stage, (this.#timings.get(stage) ?? 0) + ms);
  }

  async #drawJob({ files, draw }: DrawingJob, total: number, progress: StageProgress): Promise<void> {
    const before = this.#pictures.length;
    let filesMs = 0;
    const result = await draw({
      signal: this.#context.signal,
      onProgress: async (p) => {
        const done = before + p.done;
        if (this.#options.saveSteps) await this.#savePreviews(p, files.slice(p.done, p.done + p.batch));
        // Later batches find everything loaded.
        if (p.stage === 'load' && done > 0) return;
        const pictures = p.batch === 1 ? `${done + 1}` : `${done + 1}–${done + p.batch}`;
        const remainingMs = remaining(p, total - before);
        progress.update({ stage: p.stage, step: p.step, steps: p.steps, pictures, total, remainingMs });
      },
      onImage: async (image, k) => {
        const mark = performance.now();
        await this.#write(image, files[k]!);
        filesMs += performance.now() - mark;
      },
    });
    for (const { stage, ms } of result.timings) this.addTime(stage, ms);
    this.addTime('files', filesMs);
  }

  async #write(image: GeneratedImage, file: string): Promise<void> {
    const { width, height, data, seed } = image;
    // Named as the user named it: no file tells where a package or a home folder lies.
    const parameters = { ...image.parameters, ...this.#options.parameters, model: this.#model };
    const { format } = this.#output;
    const { quality, saveSteps } = this.#options;
    const bytes = await encodePicture({ width, height, channels: 4, data }, { format, quality, parameters });
    makeFolder(dirname(file));
    await writeFileAtomic(file, bytes);
    const steps = saveSteps ? stepsFolder(file) : undefined;
    this.#pictures.push({ file, prompt: parameters.prompt ?? '', seed, width, height, parameters, steps });
  }

  /** The prediction of x₀ after a step, of each picture of the batch: `decoder-01.png`, … `superRes-07.png`. */
  async #savePreviews({ stage, step, steps, preview }: GenerateProgress, files: readonly string[]): Promise<void> {
    if (preview === undefined) return;
    const name = `${stage}-${String(step).padStart(String(steps).length, '0')}.png`;
    for (const [k, picture] of (await preview()).entries()) {
      const folder = stepsFolder(files[k]!);
      makeFolder(folder);
      await writeFileAtomic(join(folder, name), await encodePicture(picture));
    }
  }
}

/** Of the whole command: this job's own estimate, and as much for every picture after it as one of its own takes. */
function remaining({ elapsedMs, remainingMs, total }: GenerateProgress, left: number): number | undefined {
  if (remainingMs === undefined) return undefined;
  return remainingMs + ((elapsedMs + remainingMs) / total) * (left - total);
}

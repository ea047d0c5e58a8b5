import { dirname, join } from 'node:path';
import { encodePicture } from '../image/encode.js';
import type { PictureParameters } from '../image/parameters.js';
import type { GeneratedImage } from '../pipelines/generated-image.js';
import type { GenerateProgress } from '../pipelines/progress.js';
import type { PictureRequest } from '../pipelines/request.js';
import type { Unclip } from '../pipelines/unclip.js';
import { unknownWords } from '../text/words.js';
import { UnclipError } from '../util/errors.js';
import { writeFileAtomic } from '../util/write-file.js';
import { makeFolder, type Output, stepsFolder } from './output.js';
import { onOneLine } from './ui/format.js';
import { type StageProgress, stageProgress } from './ui/stage-progress.js';
import { type CommandContext, printLine } from './ui/terminal.js';

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

export interface Drawn {
  readonly pictures: readonly DrawnPicture[];
  /** Milliseconds by stage, over all pictures. */
  readonly timings: ReadonlyMap<string, number>;
  /** Words that the model has never seen, of all prompts. */
  readonly unknownWords: readonly string[];
}

export interface DrawingOptions {
  readonly quality?: number;
  readonly saveSteps: boolean;
  readonly quiet: boolean;
  /** How long opening the model took; counted as loading. */
  readonly openMs: number;
}

/** Settings of each prompt, complete but for the model's own defaults. */
type Settings = Omit<PictureRequest, 'prompt'> & { readonly n: number; readonly seed: number };

/**
 * Draws the pictures of a command, batch by batch, and writes each as soon as its batch is done: however many there are, memory
 * stays that of one batch, and Ctrl-C loses no finished picture.
 */
export class Drawing {
  readonly #unclip: Unclip;
  readonly #model: string;
  readonly #output: Output;
  readonly #context: CommandContext;
  readonly #options: DrawingOptions;
  readonly #pictures: DrawnPicture[] = [];
  readonly #timings = new Map<string, number>();

  /** @param model how the model is named in the files */
  constructor(unclip: Unclip, model: string, output: Output, context: CommandContext, options: DrawingOptions) {
    this.#unclip = unclip;
    this.#model = model;
    this.#output = output;
    this.#context = context;
    this.#options = options;
    this.#addTime('load', options.openMs);
  }

  /** @throws UnclipError CANCELLED within one step of the signal, saying what is finished; GPU_*, IO_* */
  async draw(prompts: readonly string[], settings: Settings): Promise<Drawn> {
    const unknown = this.#warnOfUnknownWords(prompts);
    const total = prompts.length * settings.n;
    const progress = stageProgress(this.#context.stderr, this.#options.quiet);
    try {
      for (const prompt of prompts)
        for (let first = 0; first < settings.n; first += this.#unclip.batchSize) {
          const n = Math.min(this.#unclip.batchSize, settings.n - first);
          await this.#drawBatch({ ...settings, prompt, n, seed: settings.seed + first }, total, progress);
        }
    } catch (error) {
      if (!(error instanceof UnclipError) || error.code !== 'CANCELLED') throw error;
      const kept = `${this.#pictures.length} of ${total} pictures were finished and are kept`;
      throw new UnclipError('CANCELLED', `drawing was stopped; ${kept}`);
    } finally {
      progress.stop();
    }
    return { pictures: this.#pictures, timings: this.#timings, unknownWords: unknown };
  }

  async #drawBatch(
    request: PictureRequest & { n: number; seed: number },
    total: number,
    progress: StageProgress,
  ): Promise<void> {
    const done = this.#pictures.length;
    const paths = Array.from({ length: request.n }, (_, k) =>
      this.#output.path(request.prompt, request.seed + k, done + k + 1),
    );
    const pictures = request.n === 1 ? `${done + 1}` : `${done + 1}–${done + request.n}`;
    const result = await this.#unclip.generate({
      ...request,
      signal: this.#context.signal,
      onProgress: async (p) => {
        if (this.#options.saveSteps) await this.#savePreviews(p, paths);
        // Later batches find everything loaded.
        if (p.stage === 'load' && done > 0) return;
        const remainingMs = this.#remaining(p, total);
        progress.update({ stage: p.stage, step: p.step, steps: p.steps, pictures, total, remainingMs });
      },
    });
    for (const { stage, ms } of result.timings) this.#addTime(stage, ms);
    const mark = performance.now();
    for (const [k, image] of result.images.entries()) await this.#write(image, paths[k]!);
    this.#addTime('files', performance.now() - mark);
  }

  /** Of the whole command: this batch's own estimate, and as much for every other as this one takes. */
  #remaining({ elapsedMs, remainingMs, batch }: GenerateProgress, total: number): number | undefined {
    if (remainingMs === undefined) return undefined;
    const after = total - this.#pictures.length - batch;
    return remainingMs + ((elapsedMs + remainingMs) / batch) * after;
  }

  async #write(image: GeneratedImage, file: string): Promise<void> {
    const { width, height, data, seed } = image;
    // Named as the user named it: no file tells where a package or a home folder lies.
    const parameters = { ...image.parameters, model: this.#model };
    const { format } = this.#output;
    const { quality, saveSteps } = this.#options;
    const bytes = await encodePicture({ width, height, channels: 4, data }, { format, quality, parameters });
    makeFolder(dirname(file));
    await writeFileAtomic(file, bytes);
    const steps = saveSteps ? stepsFolder(file) : undefined;
    this.#pictures.push({ file, prompt: parameters.prompt ?? '', seed, width, height, parameters, steps });
  }

  /** The prediction of x₀ after a step, of each picture of the batch: `decoder-01.png`, … `superRes-07.png`. */
  async #savePreviews({ stage, step, steps, preview }: GenerateProgress, paths: readonly string[]): Promise<void> {
    if (preview === undefined) return;
    const name = `${stage}-${String(step).padStart(String(steps).length, '0')}.png`;
    for (const [k, picture] of (await preview()).entries()) {
      const folder = stepsFolder(paths[k]!);
      makeFolder(folder);
      await writeFileAtomic(join(folder, name), await encodePicture(picture));
    }
  }

  #warnOfUnknownWords(prompts: readonly string[]): string[] {
    const { vocabulary, world = {}, name } = this.#unclip.model.info;
    if (vocabulary === undefined) return [];
    const known = new Set(vocabulary);
    const unknown = [...new Set(prompts.flatMap((prompt) => unknownWords(prompt, known)))];
    if (unknown.length === 0) return unknown;
    const { stderr } = this.#context;
    printLine(stderr, `the model '${onOneLine(name, 60)}' has never seen: ${onOneLine(unknown.join(', '), 500)}`);
    for (const [group, words] of Object.entries(world))
      if (words.length > 0) printLine(stderr, `it can draw ${group}: ${words.join(', ')}`);
    return unknown;
  }

  #addTime(stage: string, ms: number): void {
    this.#timings.set(stage, (this.#timings.get(stage) ?? 0) + ms);
  }
}

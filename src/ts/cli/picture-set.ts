import { dirname } from 'node:path';
import type { Command } from 'commander';
import { ANIMATION_FORMATS, type AnimationFormat, encodeAnimation } from '../image/animation.js';
import { contactSheet } from '../image/contact-sheet.js';
import { encodePicture } from '../image/encode.js';
import type { Picture } from '../image/picture.js';
import type { DrawHooks, DrawResult } from '../pipelines/drawing.js';
import type { GeneratedImage } from '../pipelines/generated-image.js';
import type { Unclip } from '../pipelines/unclip.js';
import { writeFileAtomic } from '../util/write-file.js';
import { Drawing } from './drawing.js';
import { type FileOptions, withFileOptions } from './file-options.js';
import { loadOptions, loadUnlessAborted, type ModelOptions, withModelOptions } from './model-options.js';
import { BUNDLED, modelFolder } from './models.js';
import { oneOf, wholeNumber } from './options.js';
import { makeFolder, Output } from './output.js';
import { commandLine } from './pictures-in.js';
import { reportDrawn } from './report.js';
import { type RequestSettings, type SamplingCliOptions, withStageOptions } from './sampling-options.js';
import type { CommandContext } from './ui/terminal.js';
import { warnOfUnknownWords } from './unknown-words.js';

/** Options of the commands that draw pictures which belong together. */
export interface SetOptions extends SamplingCliOptions, ModelOptions, FileOptions {
  readonly sheet: boolean;
  readonly saveSteps?: boolean;
}

export interface FrameOptions extends SetOptions {
  readonly frames: number;
  readonly animation: AnimationFormat | 'none';
  readonly delay: number;
}

/** To follow the command's own options. */
export function withSetOptions(command: Command): Command {
  command
    .option('--no-sheet', 'no sheet of all pictures beside them')
    .option('--save-steps', 'save a preview of each step of decoder and upsampler beside the picture');
  return withFileOptions(withModelOptions(command));
}

/** To follow the command's own options. @param frames default of `--frames` @param prior whether the command uses the prior */
export function withFrameOptions(command: Command, frames: number, prior: boolean): Command {
  const formats = [...ANIMATION_FORMATS, 'none'] as const;
  command
    .option('--frames <n>', 'pictures from the first to the last', wholeNumber('--frames', 2, 240), frames)
    .option('--animation <format>', formats.join(', '), oneOf('--animation', formats), 'webp')
    .option('--delay <ms>', "time of each of the animation's frames", wholeNumber('--delay', 10, 60_000), 150);
  return withSetOptions(withStageOptions(command, 'seed of the noise, the same for every frame', prior));
}

/** Pictures that belong together, and what is made of them. */
export interface PictureSet {
  readonly count: number;
  /** What the files are called. */
  readonly label: string;
  readonly settings: RequestSettings;
  /** Texts whose words the model may not know. */
  readonly texts: readonly string[];
  readonly options: SetOptions & Partial<FrameOptions>;
  draw(unclip: Unclip, hooks: DrawHooks): Promise<DrawResult>;
  /** Pictures that the sheet begins with, at its pictures' side. */
  before?(side: number): Promise<readonly Picture[]>;
}

/** Draws a set, writes each picture as soon as it is done, then the sheet and the animation, and reports. */
export async function drawSet(set: PictureSet, command: Command, context: CommandContext): Promise<void> {
  const { options, count } = set;
  const { seed } = set.settings;
  const begin = performance.now();
  const model = options.model ?? BUNDLED;
  const folder = modelFolder(model);
  const output = new Output(options.out, options.format, count > 1);
  const { files, sheet, animation } = paths(set, output);
  const unclip = await loadUnlessAborted(folder, loadOptions(options), context.signal);
  try {
    const unknownWords = warnOfUnknownWords(set.texts, unclip, context.stderr);
    const parameters = { command: commandLine(command, seed) };
    const openMs = performance.now() - begin;
    const drawing = new Drawing(model, output, context, { ...options, parameters, openMs });
    const images: GeneratedImage[] = [];
    const draw = async (hooks: DrawHooks): Promise<DrawResult> => {
      const result = await set.draw(unclip, hooks);
      images.push(...result.images);
      return result;
    };
    await drawing.draw([{ files, draw }], count);
    const pictures = images.map(({ width, height, data }): Picture => ({ width, height, channels: 4, data }));
    const more = { ...images[0]!.parameters, ...parameters, model };
    if (sheet !== undefined) {
      const first = (await set.before?.(images[0]!.width)) ?? [];
      await write(sheet, await encodePicture(contactSheet([...first, ...pictures]), { parameters: more }));
    }
    if (animation !== undefined) {
      const frames = [...pictures, ...pictures.slice(1, -1).reverse()];
      const format = options.animation as AnimationFormat;
      const { quality, delay: delayMs } = options;
      await write(animation, await encodeAnimation(frames, { format, delayMs, quality, parameters: more }));
    }
    const beside = { ...(sheet && { sheet }), ...(animation && { animation }) };
    const totalMs = performance.now() - begin;
    reportDrawn({ drawing, unclip, model, totalMs, more: { unknownWords }, files: beside }, options, context);
  } finally {
    await unclip.dispose();
  }
}

interface SetPaths {
  readonly files: readonly string[];
  readonly sheet: string | undefined;
  readonly animation: string | undefined;
}

function paths({ options, count, label, settings: { seed } }: PictureSet, output: Output): SetPaths {
  if (count === 1) return { files: [output.path(label, seed, 1)], sheet: undefined, animation: undefined };
  const digits = String(count).length;
  const number = (k: number): string => String(k + 1).padStart(Math.max(2, digits), '0');
  const animated = options.animation !== undefined && options.animation !== 'none';
  const all = output.set(label, seed, [
    ...Array.from({ length: count }, (_, k) => `-${number(k)}`),
    ...(options.sheet ? ['-sheet.png'] : []),
    ...(animated ? [`-animated.${options.animation}`] : []),
  ]);
  const files = all.slice(0, count);
  const sheet = options.sheet ? all[count] : undefined;
  return { files, sheet, animation: animated ? all.at(-1) : undefined };
}

async function write(file: string, bytes: Buffer): Promise<void> {
  makeFolder(dirname(file));
  await writeFileAtomic(file, bytes);
}

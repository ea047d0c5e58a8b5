import { UnclipError } from '../../util/errors.js';
import { type DrawHooks, type DrawItem, type DrawResult, drawPictures } from '../drawing.js';
import type { Engine } from '../engine.js';
import type { SamplingSettings } from '../settings.js';
import type { Stages } from './stages.js';

/** Most frames of a sequence. */
const MAX_FRAMES = 240;

/** Pictures in order, with one seed. */
export interface FramesResult extends DrawResult {
  /** Seed of every frame. */
  readonly seed: number;
}

/** @throws UnclipError INPUT_INVALID */
export function checkFrames(frames: number): void {
  if (!Number.isInteger(frames) || frames < 2 || frames > MAX_FRAMES)
    throw new UnclipError('INPUT_INVALID', `frames is ${frames}: give a whole number, 2 to ${MAX_FRAMES}`);
}

/** Draws frames that have one seed and no words, so that they differ by nothing but what `frame` says. */
export async function drawFrames(
  engine: Engine,
  frames: number,
  frame: (index: number) => Omit<DrawItem, 'prompt' | 'seed'>,
  how: { readonly seed: number; readonly settings: SamplingSettings; readonly stages: Stages },
  hooks: DrawHooks,
): Promise<FramesResult> {
  const { seed, settings, stages } = how;
  const items = Array.from({ length: frames }, (_, i): DrawItem => ({ prompt: '', seed, ...frame(i) }));
  const { signal, onProgress, onImage } = hooks;
  const drawn = await drawPictures(engine, items, { settings, signal, onProgress, onImage });
  return { ...drawn, timings: [...stages.timings, ...drawn.timings], seed };
}

import type { Resampling } from '../../diffusion/repaint.js';
import type { Mask } from '../../image/mask.js';
import type { Picture } from '../../image/picture.js';
import { inSlices } from '../../util/sliced.js';
import { type DrawHooks, type DrawItem, type DrawResult, drawPictures } from '../drawing.js';
import type { KnownPicture } from '../drawing-run.js';
import type { Engine } from '../engine.js';
import { GeneratedImage } from '../generated-image.js';
import type { GenerateProgress } from '../progress.js';
import type { CheckedRequest } from '../request.js';
import { pasteWindow } from './composite.js';
import { type Cut, cutWindow, knownPicture } from './known-picture.js';
import { levelColours } from './level-colours.js';
import { markDrawn, nextWindow } from './tile-order.js';
import type { Placement, Window } from './windows.js';

/** A checked edit. */
export interface EditPlan extends CheckedRequest, DrawHooks {
  /** RGBA. */
  readonly canvas: Picture;
  readonly mask: Mask;
  readonly placement: Placement;
  readonly resampling: Resampling;
  /** Pixels; undefined: a 64th of the window. */
  readonly feather: number | undefined;
}

/** Seeds of the windows of one picture lie this far apart, so that no two are drawn from the same noise. */
const WINDOW_SEEDS = 0x9e3779b9;

/** Width of the seam over the side of a window where none is asked for: a cell of a 64×64 decoder. */
const FEATHER = 1 / 64;

/**
 * Draws an edit window after window, each into what the ones before have left. To be called in the engine's turn.
 * @throws UnclipError CANCELLED within one step of the signal, GPU_*
 */
export async function drawWindows(engine: Engine, plan: EditPlan): Promise<DrawResult> {
  const { n, seed, placement, canvas } = plan;
  const { windows } = placement;
  const canvases = Array.from({ length: n }, () => ({ ...canvas, data: canvas.data.slice() }));
  const mask: Mask = { ...plan.mask, data: plan.mask.data.slice() };
  const timings = new Map<string, number>();
  let made: readonly GeneratedImage[] = [];
  let drawnWindows = 0;
  for (;;) {
    const window = await inSlices(nextWindow(windows, mask));
    if (window === undefined) break;
    const drawn = await drawWindow(engine, plan, canvases, mask, window, drawnWindows);
    for (const { stage, ms } of drawn.timings) timings.set(stage, (timings.get(stage) ?? 0) + ms);
    if (drawnWindows === 0) made = drawn.images;
    markDrawn(mask, window);
    drawnWindows++;
  }
  const images = canvases.map(({ width, height, data }, k) => {
    const edit = { ...plan.resampling, ...placement };
    return new GeneratedImage(width, height, data, { ...made[k]!.parameters, seed: seed + k, operation: 'edit', edit });
  });
  for (const [k, image] of images.entries()) await plan.onImage?.(image, k);
  return { images, timings: [...timings].map(([stage, ms]) => ({ stage, ms })) };
}

/** Draws one window of every canvas and pastes it. @param number of the window in the order of drawing, from 0 */
async function drawWindow(
  engine: Engine,
  { prompt, seed, settings, resampling, placement, feather, signal, onProgress }: EditPlan,
  canvases: readonly Picture[],
  mask: Mask,
  window: Window,
  number: number,
): Promise<DrawResult> {
  const { decoderSize, superResSize } = engine.model.configs;
  // Before anything is drawn all canvases are the same.
  const distinct = number === 0 ? canvases.slice(0, 1) : canvases;
  const cuts: Cut[] = [];
  const known: (KnownPicture | undefined)[] = [];
  for (const canvas of distinct) {
    const cut = await inSlices(cutWindow(canvas, mask, window));
    cuts.push(cut);
    known.push(await inSlices(knownPicture(cut, decoderSize, superResSize)));
  }
  const items = canvases.map(
    (_, k): DrawItem => ({
      prompt,
      seed: (seed + k + number * WINDOW_SEEDS) % Number.MAX_SAFE_INTEGER,
      known: known[k % known.length],
    }),
  );
  const after = placement.windows.length - 1 - number;
  const width = feather ?? Math.ceil(window.size * FEATHER);
  const paste = (canvas: Picture, drawn: Picture, k: number): Promise<void> =>
    inSlices(pasteWindow(canvas, drawn, window, cuts[k % cuts.length]!, width));
  const drawn = await drawPictures(engine, items, {
    settings,
    resampling,
    signal,
    onProgress:
      onProgress &&
      ((p) => onProgress({ ...p, remainingMs: remaining(p, after), preview: wholePreview(p, canvases, paste) })),
  });
  for (const [k, image] of drawn.images.entries()) {
    const around = known[k % known.length]?.superRes;
    const levelled = around === undefined ? pictureOf(image) : await inSlices(levelColours(pictureOf(image), around));
    await paste(canvases[k]!, levelled, k);
  }
  return drawn;
}

/** Previews of a window as previews of what is edited: the canvases, with the window pasted as it would be now. */
function wholePreview(
  { preview, done }: GenerateProgress,
  canvases: readonly Picture[],
  paste: (canvas: Picture, drawn: Picture, k: number) => Promise<void>,
): GenerateProgress['preview'] {
  if (preview === undefined) return undefined;
  return async () => {
    const whole: Picture[] = [];
    for (const [b, drawn] of (await preview()).entries()) {
      const canvas = canvases[done + b]!;
      const shown = { ...canvas, data: canvas.data.slice() };
      await paste(shown, drawn, done + b);
      whole.push(shown);
    }
    return whole;
  };
}

/** Time left of an edit: this window's own, and as much for every one after it as it takes. */
function remaining({ elapsedMs, remainingMs }: GenerateProgress, after: number): number | undefined {
  return remainingMs === undefined ? undefined : remainingMs + (elapsedMs + remainingMs) * after;
}

const pictureOf = ({ width, height, data }: GeneratedImage): Picture => ({ width, height, channels: 4, data });

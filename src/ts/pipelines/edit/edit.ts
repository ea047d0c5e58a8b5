import { maskBox } from '../../image/mask.js';
import { unknownWords } from '../../text/words.js';
import { UnclipError } from '../../util/errors.js';
import { inSlices } from '../../util/sliced.js';
import type { Engine } from '../engine.js';
import { checkRequest } from '../request.js';
import type { SamplingSettings } from '../settings.js';
import type { GenerateRequest, GenerateResult } from '../text-to-image.js';
import { drawWindows } from './draw-windows.js';
import { checkEditOptions, type EditOptions, readEditInputs } from './edit-request.js';
import { pendingPixels } from './tile-order.js';
import { describePlacement, type Placement, placeWindows } from './windows.js';

export type EditRequest = GenerateRequest & EditOptions;

export interface EditResult extends GenerateResult {
  /** The windows of the picture that were drawn. */
  readonly placement: Placement;
  /** What a person should know: how the picture was cut, what the mask was taken from. */
  readonly notes: readonly string[];
}

/** Most windows of an edit: each takes as long as a picture. */
const MAX_WINDOWS = 64;

/**
 * Guidance of an edit's prior over that of a picture from nothing: what is kept shows the place, and the embedding has to insist on the
 * thing. Measured on the bundled model with `npm run eval:edit`.
 */
const PRIOR_GUIDANCE = 2;

/** Settings of an edit that gives none, from the model's. */
export const editDefaults = (defaults: SamplingSettings): SamplingSettings => ({
  ...defaults,
  priorGuidanceScale: PRIOR_GUIDANCE * defaults.priorGuidanceScale,
});

/**
 * Draws a part of a picture anew from text, or what lies beyond its edges: prior → masked sampling in decoder and upsamplers
 * (RePaint, arXiv 2201.09865). Outside the mask the result equals the picture to the bit, at the picture's own size.
 * @throws UnclipError INPUT_* before anything is allocated on the GPU, MODEL_CONFIG_INVALID (no prior), CANCELLED, GPU_*
 */
export async function editPicture(engine: Engine, request: EditRequest): Promise<EditResult> {
  const { info, configs } = engine.model;
  engine.model.requirePriorOf(request);
  const checked = checkRequest(request, editDefaults(info.defaults));
  const { resampling, margins } = checkEditOptions(request, checked.settings);
  const inputs = await readEditInputs(request, margins, checked.n);
  const { width, height } = inputs.canvas;
  const box = (await inSlices(maskBox(inputs.mask)))!;
  const placed = placeWindows(width, height, box, inputs.area, configs.superResSize);
  const windows = [];
  for (const window of placed.windows)
    if ((await inSlices(pendingPixels(inputs.mask, window))) > 0) windows.push(window);
  const placement = { ...placed, windows };
  if (placement.windows.length > MAX_WINDOWS)
    throw new UnclipError(
      'INPUT_TOO_LARGE',
      `a picture of ${width}x${height} is so narrow that the mask takes ${placement.windows.length} windows, over ${MAX_WINDOWS}; crop it, or mask less`,
    );
  const { signal, onProgress, onImage, feather } = request;
  const plan = { ...inputs, ...checked, placement, resampling, feather, signal, onProgress, onImage };
  const drawn = await engine.repeatable(
    () => plan,
    () => drawWindows(engine, plan),
  );
  const { vocabulary } = info;
  return {
    ...drawn,
    unknownWords: vocabulary === undefined ? [] : unknownWords(request.prompt, new Set(vocabulary)),
    seed: checked.seed,
    placement,
    notes: [...inputs.notes, describePlacement(placement, configs.superResSize)],
  };
}

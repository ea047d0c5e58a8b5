import type { PictureParameters } from '../image/parameters.js';
import type { Checkpoint } from './checkpoint.js';
import type { DrawItem } from './drawing.js';
import type { Engine } from './engine.js';
import { GeneratedImage } from './generated-image.js';
import { packageVersion } from './package-version.js';
import type { SamplingSettings } from './settings.js';

/** A finished picture with what made it. @param data RGBA, 8 bits each */
export function finishedImage(
  { model, dtype, weights, runtime }: Engine,
  { prompt, seed, origin, imageEmbeds }: DrawItem,
  settings: SamplingSettings,
  data: Uint8Array,
): GeneratedImage {
  const withPrior = imageEmbeds === undefined;
  const size = model.configs.superResSize;
  const parameters: PictureParameters = {
    version: packageVersion(),
    model: model.folder,
    modelHash: model.hash,
    prompt,
    seed,
    steps: {
      ...(withPrior ? { prior: priorSteps(model, settings) } : {}),
      decoder: settings.decoderSteps,
      superRes: settings.superResSteps,
    },
    guidance: {
      ...(withPrior ? { prior: settings.priorGuidanceScale } : {}),
      decoder: settings.decoderGuidanceScale,
    },
    sampler: settings.sampler,
    spacing: settings.spacing,
    eta: settings.eta,
    ...(withPrior ? priorParameters(settings) : {}),
    dtype,
    weights,
    adapter: runtime.device.adapter.name,
    ...origin,
  };
  return new GeneratedImage(size, size, data, parameters);
}

const priorSteps = (model: Checkpoint, { prior, priorSteps: steps }: SamplingSettings): number =>
  prior === 'ar' ? model.requirePriorAr().num_codes : steps;

function priorParameters({ prior = 'diffusion', priorTemperature = 1, priorTopK = 0 }: SamplingSettings) {
  return prior === 'ar' ? { prior, priorTemperature, priorTopK } : { prior };
}
